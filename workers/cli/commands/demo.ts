import { stat } from 'node:fs/promises'
import { relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Command, type CommandCall, UsageError, wholeOption } from '../command.ts'
import type { DemoReport } from '../demo/demo-report.ts'
import { ProgressBar } from '../demo/progress-bar.ts'
import { runDemo } from '../demo/run-demo.ts'
import { type Output, shown } from '../output.ts'

const mostShown = 10

/** Real work over real worker processes, with nothing to install: one task for each file of a folder. */
export const demoCommand: Command = {
  name: 'demo',
  summary: 'Count a folder with worker processes: one task per file, over an embedded store in a temporary folder.',
  arguments: [{ name: '[folder]', says: 'what to look at; this package itself where it is left out' }],
  options: [
    { flags: '--workers <n>', says: 'worker processes', default: '2' },
    {
      flags: '--chaos',
      says: 'kill one worker with SIGKILL in the middle and start another: every file is counted exactly once',
    },
  ],
  examples: [
    { line: 'umbel demo', says: 'look at this package' },
    { line: 'umbel demo ~/projects --workers 4 --chaos', says: 'another folder, and lose a worker on the way' },
  ],
  async run(call) {
    const folder = await folderOf(call)
    const workers = wholeOption(call.options['workers'], '--workers', { min: 1, max: 64 }) ?? 2
    const bar = new ProgressBar(process.stderr, !call.out.json && call.options['quiet'] !== true)
    const report = await runDemo({
      folder,
      workers,
      chaos: call.options['chaos'] === true,
      signal: call.signal,
      onProgress: (progress) => bar.show(progress),
    }).finally(() => bar.end())
    call.out.value(report)
    print(report, folder, call.out)
    return report.failed.length + report.missing + report.repeated > 0 ? 1 : 0
  },
}

/** @throws {UsageError} when there is no such folder */
async function folderOf({ args }: CommandCall): Promise<string> {
  const given = args[0]
  const folder = typeof given === 'string' ? resolve(given) : packageFolder()
  const found = await stat(folder).catch(() => undefined) // whatever the reason, it can't be looked at
  if (found?.isDirectory() === true) return folder
  throw new UsageError(`There is no folder ${folder}. Name one that exists: umbel demo .`)
}

// From source and from the package alike, this file lies three folders below the one with package.json, or four in dist/.
function packageFolder(): string {
  const here = fileURLToPath(import.meta.url)
  return fileURLToPath(new URL(here.includes('/dist/') ? '../../../..' : '../../..', import.meta.url))
}

function print(report: DemoReport, folder: string, out: Output): void {
  const name = (path: string): string => relative(folder, path)
  if (report.files === 0) {
    out.line(`No files in ${shown(folder)}.`)
    return
  }
  out.table(
    ['language', 'files', 'lines', 'bytes'],
    [
      ...report.languages.map(({ language, files, lines, bytes }) => [language, files, lines, bytes]),
      ['total', report.files - report.failed.length, report.lines, report.bytes],
    ],
  )
  out.line()
  const count = (value: number): string => Math.round(value).toLocaleString('en')
  if (report.largest !== undefined)
    out.line(`largest     ${shown(name(report.largest.path))}, ${count(report.largest.bytes)} bytes`)
  out.line(`gzip        ${count(report.gzipBytes)} bytes of ${count(report.bytes)}`)
  out.line(
    `duplicates  ${report.duplicates.length === 0 ? 'none' : `${count(report.duplicates.length)} contents more than once`}`,
  )
  for (const { paths } of report.duplicates.slice(0, mostShown)) out.line(`            ${listed(paths.map(name))}`)
  if (report.killed !== undefined)
    out.line(
      `chaos       worker ${report.killed.pid} was killed after ${count(report.killed.afterFiles)} files; ${verdict(report)}`,
    )
  out.line(
    `speed       ${count(report.tasksPerSecond)} tasks/s over ${report.seconds.toFixed(2)} s; call to result ${report.p50.toFixed(1)} ms (p50), ${report.p99.toFixed(1)} ms (p99)`,
  )
  for (const { path, error } of report.failed.slice(0, mostShown)) out.error(`${name(path)}: ${error}`)
  if (report.failed.length > mostShown)
    out.error(`… and ${count(report.failed.length - mostShown)} more files that could not be read`)
}

function listed(names: readonly string[]): string {
  const first = names.slice(0, 4).map(shown).join(' = ')
  return names.length > 4 ? `${first} and ${names.length - 4} more` : first
}

function verdict({ files, missing, repeated }: DemoReport): string {
  if (missing + repeated === 0) return `all ${files.toLocaleString('en')} are here, each once`
  return `${missing} are missing, ${repeated} were counted twice`
}
