import { assert } from 'chai'
import { readArguments, UsageError, usage } from '../../../bench/arguments.ts'

describe('arguments of the benchmark', () => {
  it('measure fifty thousand tasks in three rounds, and append, unless told otherwise', () => {
    assert.deepEqual(readArguments(['embedded']), {
      suite: 'embedded',
      rounds: 3,
      n: 50_000,
      backlog: 1_000_000,
      only: [],
      json: false,
      append: true,
      isProfiled: false,
    })
  })

  it('may stand before or after what is measured', () => {
    const options = readArguments(['--n', '100_000', 'embedded', '--only', 'drain,delay', '--only', 'idle', '--json'])

    assert.equal(options?.n, 100_000)
    assert.deepEqual(options?.only, ['drain', 'delay', 'idle'])
    assert.isTrue(options?.json)
  })

  it('a profile is of one round and is never appended', () => {
    const options = readArguments(['embedded', '--profile'])

    assert.isTrue(options?.isProfiled)
    assert.equal(options?.rounds, 1)
    assert.isFalse(options?.append)
  })

  it('a run of fewer than fifty thousand tasks is never appended', () => {
    assert.isFalse(readArguments(['embedded', '--n', '49000'])?.append)
  })

  it('help is asked for without naming anything, and shows an example', () => {
    assert.isUndefined(readArguments(['--help']))
    assert.match(usage, /Example:\n {2}npm run bench -- embedded/)
  })

  for (const [what, words, says] of [
    ['nothing named', [], /Say what to measure\. There is embedded\./],
    ['a broker that is not there yet', ['redis'], /comes with the Redis broker\. There is embedded\./],
    ['an unknown name', ['postgres'], /Nothing is called "postgres"/],
    ['a name of every object', ['constructor'], /Nothing is called "constructor"/],
    ['two names', ['embedded', 'redis'], /One thing at a time/],
    ['an unknown option', ['embedded', '--fast'], /--fast/],
    ['an unknown row', ['embedded', '--only', 'drian'], /no row "drian".*drain/],
    ['a number that is none', ['embedded', '--rounds', 'many'], /--rounds must be a whole number, not "many"/],
    ['no tasks', ['embedded', '--n', '0'], /--n must be a whole number/],
    ['a number of tasks that is not in thousands', ['embedded', '--n', '1500'], /multiple of 1000/],
  ] as const)
    it(`${what}: refused, and the refusal says what there is`, () => {
      assert.throws(() => readArguments(words), UsageError, says)
    })
})
