import { assert } from 'chai'
import {
  type Command,
  globalOptions,
  listOption,
  optionName,
  UsageError,
  wholeOption,
} from '../../../workers/cli/command.ts'
import { commands } from '../../../workers/cli/main.ts'

function everyCommand(list: readonly Command[], parent = 'umbel'): { name: string; command: Command }[] {
  return list.flatMap((command) => {
    const name = `${parent} ${command.name}`
    return [{ name, command }, ...everyCommand(command.subcommands ?? [], name)]
  })
}

describe('commands', () => {
  for (const { name, command } of everyCommand(commands)) {
    it(`${name} has a summary, and examples that begin with it`, () => {
      assert.match(command.summary, /^[A-Z].*\.$/)
      assert.isNotEmpty(command.examples)
      for (const { line } of command.examples) assert.match(line.replace(/ -A \S+/, ''), new RegExp(`^${name}\\b`))
    })

    it(`${name} uses no option of every command for itself`, () => {
      const taken = globalOptions.flatMap(({ flags }) => flags.match(/--?[a-zA-Z-]+/g) ?? [])
      const own = (command.options ?? []).flatMap(({ flags }) => flags.match(/--?[a-zA-Z-]+/g) ?? [])

      assert.deepEqual(
        own.filter((flag) => taken.includes(flag)),
        [],
      )
    })
  }

  it('options are known by their long flag in camelCase', () => {
    assert.equal(optionName({ flags: '-r, --routing-key <key>', says: '' }), 'routingKey')
    assert.equal(optionName({ flags: '--no-color', says: '' }), 'color')
  })

  it('a list option is separated by commas', () => {
    assert.deepEqual(listOption('a, b,,c'), ['a', 'b', 'c'])
    assert.isUndefined(listOption(undefined))
  })

  it('a whole number is refused outside of its bounds, with the flag', () => {
    assert.equal(wholeOption('5', '--limit', { min: 1, max: 9 }), 5)
    for (const wrong of ['0', '10', '1.5', '-1', '1e1', '', 'x'])
      assert.throws(
        () => wholeOption(wrong, '--limit', { min: 1, max: 9 }),
        UsageError,
        '--limit must be a whole number from 1 to 9',
      )
  })
})
