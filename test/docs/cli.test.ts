import { type Command, globalOptions } from '../../workers/cli/command.ts'
import { commands } from '../../workers/cli/main.ts'
import { assertPage, code, table } from './reference-page.ts'

describe('docs/reference/cli.md', () => {
  it('lists every command, argument and option as the code has them', () => {
    assertPage(
      'docs/reference/cli.md',
      [
        `## Options of every command\n\n${optionTable(globalOptions)}`,
        ...commands.map((command) => section(command, 'umbel', 2)),
      ].join('\n\n'),
    )
  })
})

function section(command: Command, parent: string, level: number): string {
  const name = `${parent} ${command.name}`
  const { arguments: args = [], options = [], examples, subcommands = [] } = command
  return [
    `${'#'.repeat(level)} ${name}`,
    command.summary,
    ...(args.length === 0
      ? []
      : [
          table(
            ['Argument', 'Meaning'],
            args.map((each) => [code(each.name), each.says]),
          ),
        ]),
    ...(options.length === 0 ? [] : [optionTable(options)]),
    `\`\`\`sh\n${examples.map(({ line, says }) => `${line}   # ${says}`).join('\n')}\n\`\`\``,
    ...subcommands.map((subcommand) => section(subcommand, name, level + 1)),
  ].join('\n\n')
}

function optionTable(options: NonNullable<Command['options']>): string {
  return table(
    ['Option', 'Meaning', 'Default'],
    options.map(({ flags, says, default: byDefault }) => [code(flags), says, byDefault ?? '']),
  )
}
