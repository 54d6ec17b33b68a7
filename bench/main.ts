// npm run bench -- <what>: measures, prints, and adds what it found to docs/benchmarks.md.
import { appendFileSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type BenchOptions, readArguments, UsageError, usage } from './arguments.ts'
import { Bench } from './bench.ts'
import { thisMachine } from './machine.ts'
import { profileReport } from './profile.ts'
import { entry } from './report.ts'

const page = fileURLToPath(new URL('../docs/benchmarks.md', import.meta.url))
const profiles = fileURLToPath(new URL('profiles', import.meta.url))
const say = (line: string): void => void process.stderr.write(`${line}\n`)

process.exitCode = await main(process.argv.slice(2))

async function main(words: readonly string[]): Promise<number> {
  let options: BenchOptions | undefined
  try {
    options = readArguments(words)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    say(`${error.message}\nnpm run bench -- --help prints what there is.`)
    return 2
  }
  if (options === undefined) {
    console.log(usage)
    return 0
  }
  return run(options)
}

async function run(options: BenchOptions): Promise<number> {
  const machine = thisMachine()
  say(`${machine.cpu}, ${machine.cores} cores, Node ${machine.node}, commit ${machine.commit}, load ${machine.load}`)
  if (options.isProfiled) rmSync(profiles, { recursive: true, force: true })
  const bench = new Bench({ profiles: options.isProfiled ? profiles : undefined, say })
  const interrupt = (signal: NodeJS.Signals): void => {
    void bench[Symbol.asyncDispose]().finally(() => process.exit(signal === 'SIGINT' ? 130 : 143))
  }
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt)
  try {
    const measured = await bench.measure(options)
    const { rounds, n, suite } = options
    const text = entry(measured, { suite, day: new Date().toISOString().slice(0, 10), machine, rounds, n })
    console.log(options.json ? JSON.stringify({ machine, options, measured }, null, 2) : `\n${text}`)
    if (options.isProfiled) console.log(profileReport(profiles, n))
    if (options.append) appendFileSync(page, `\n${text}`)
    return 0
  } catch (error) {
    say((error as Error).message)
    return 1
  } finally {
    await bench[Symbol.asyncDispose]()
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt)
  }
}
