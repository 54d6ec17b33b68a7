import { parseArgs } from 'node:util'
import { laterSuites, suites } from './suites.ts'
import { type RowName, rowNames } from './systems/system.ts'

export interface BenchOptions {
  readonly suite: string
  readonly rounds: number
  readonly n: number
  readonly backlog: number
  readonly only: readonly RowName[]
  readonly json: boolean
  readonly append: boolean
  readonly isProfiled: boolean
}

/** Fewer tasks than that say how fast processes warm up, not what a task costs. */
const leastAppended = 50_000

/** What was asked for can't be done; the command line ends with code 2. */
export class UsageError extends Error {}

export const usage = `Usage: npm run bench -- <what> [options]

Measures Umbel beside what it is compared with, each as processes of their own, on the same work.

What:
${Object.entries(suites)
  .map(([name, systems]) => `  ${name.padEnd(10)} ${systems.map(({ title }) => title).join('; ')}`)
  .join('\n')}
${Object.entries(laterSuites)
  .map(([name, why]) => `  ${name.padEnd(10)} not yet: it ${why}`)
  .join('\n')}

Options:
  --rounds <n>       how often each row is run for each system, in turn (default 3; with --profile 1)
  --n <n>            tasks in each row, whole thousands (default 50000)
  --backlog <n>      messages in the rows about large stores (default 1000000)
  --only <row,row>   of ${rowNames.join(', ')}
  --profile          the first system alone: write CPU profiles to bench/profiles, and say where the time goes;
                     nothing is appended
  --json             print the figures of every round as JSON
  --no-append        leave docs/benchmarks.md as it is; so it is with fewer than 50000 tasks
  -h, --help         print this

Example:
  npm run bench -- embedded --only delay,drain --rounds 5`

/** @returns undefined when help was asked for. @throws {UsageError} */
export function readArguments(words: readonly string[]): BenchOptions | undefined {
  const { values, positionals } = parse(words)
  if (values.help === true) return undefined
  const suite = suiteNamed(positionals)
  const isProfiled = values.profile === true
  const n = whole(values.n ?? '50000', '--n')
  if (n % 1_000 !== 0) throw new UsageError(`--n must be a multiple of 1000, not ${n}: workers tell of their runs so.`)
  return {
    suite,
    rounds: whole(values.rounds ?? (isProfiled ? '1' : '3'), '--rounds'),
    n,
    backlog: whole(values.backlog ?? '1000000', '--backlog'),
    only: rowsNamed(values.only ?? []),
    json: values.json === true,
    append: values['no-append'] !== true && !isProfiled && n >= leastAppended,
    isProfiled,
  }
}

function parse(words: readonly string[]) {
  try {
    return parseArgs({
      args: [...words],
      allowPositionals: true,
      options: {
        rounds: { type: 'string' },
        n: { type: 'string' },
        backlog: { type: 'string' },
        only: { type: 'string', multiple: true },
        profile: { type: 'boolean' },
        json: { type: 'boolean' },
        'no-append': { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    })
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

function suiteNamed(names: readonly string[]): string {
  const [name] = names
  const there = `There is ${Object.keys(suites).join(', ')}.`
  if (name === undefined) throw new UsageError(`Say what to measure. ${there}`)
  if (names.length > 1) throw new UsageError(`One thing at a time, not ${names.join(' and ')}.`)
  if (Object.hasOwn(laterSuites, name))
    throw new UsageError(`"${name}" can't be measured yet: it ${laterSuites[name]}. ${there}`)
  if (!Object.hasOwn(suites, name)) throw new UsageError(`Nothing is called "${name}". ${there}`)
  return name
}

function rowsNamed(lists: readonly string[]): RowName[] {
  return lists
    .flatMap((list) => list.split(','))
    .map((name) => {
      const row = rowNames.find((known) => known === name.trim())
      if (row === undefined) throw new UsageError(`There is no row "${name}". There are ${rowNames.join(', ')}.`)
      return row
    })
}

function whole(text: string, option: string): number {
  const value = Number(text.replaceAll(/[_,]/g, ''))
  if (!Number.isSafeInteger(value) || value < 1)
    throw new UsageError(`${option} must be a whole number, not "${text}".`)
  return value
}
