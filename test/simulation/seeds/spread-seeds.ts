import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { SeedReport } from './run-seed.ts'

export interface Spread {
  /** What {@link bundleSimulation} made. */
  readonly bundle: string
  readonly first: number
  readonly last: number
  /** Processes at a time. */
  readonly jobs: number
  /** Each process ends with its first failure. */
  readonly stops?: boolean | undefined
  readonly onReport?: ((report: SeedReport) => void) | undefined
}

/** Runs seeds in processes of their own, every `jobs`-th in each; reports in the order of the seeds. */
export async function spreadSeeds({ bundle, first, last, jobs, stops, onReport }: Spread): Promise<SeedReport[]> {
  const reports: SeedReport[] = []
  const children: ChildProcess[] = []
  const run = async (offset: number): Promise<void> => {
    const args = [
      '--no-warnings',
      bundle,
      String(first + offset),
      String(jobs),
      String(last),
      ...(stops ? ['stop'] : []),
    ]
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    children.push(child)
    let errors = ''
    child.stderr.on('data', (text: Buffer) => {
      errors += text.toString()
    })
    const closed = new Promise<number | null>((resolve) => child.once('close', resolve))
    for await (const line of createInterface({ input: child.stdout })) {
      const report = JSON.parse(line) as SeedReport
      reports.push(report)
      onReport?.(report)
    }
    const code = await closed
    if (code !== 0 || errors !== '') throw new Error(`The simulation ended with ${code}: ${errors.slice(0, 2_000)}`)
  }
  try {
    await Promise.all(Array.from({ length: jobs }, (_, offset) => run(offset)))
  } finally {
    for (const child of children) child.kill()
  }
  return reports.sort((a, b) => Number(a.seed) - Number(b.seed))
}

/** What many seeds came to, as a table. */
export function summaryOf(reports: readonly SeedReport[]): string {
  const sum = (of: (report: SeedReport) => number): number => reports.reduce((total, report) => total + of(report), 0)
  const injected = new Map<string, number>()
  for (const report of reports)
    for (const [kind, count] of Object.entries(report.injected)) injected.set(kind, (injected.get(kind) ?? 0) + count)
  const failed = reports.filter(({ violations }) => violations.length > 0)
  const rows: (readonly [string, string | number])[] = [
    ['seeds', reports.length],
    ['simulated hours', (sum(({ simulatedMs }) => simulatedMs) / 3_600_000).toFixed(1)],
    ['calls', sum(({ calls }) => calls)],
    ['accepted', sum(({ accepted }) => accepted)],
    ['runs', sum(({ runs }) => runs)],
    ['repeats', sum(({ repeats }) => repeats)],
    ['dead letters', sum(({ dead }) => dead)],
    ...[...injected].sort(([a], [b]) => (a < b ? -1 : 1)).map(([kind, count]) => [`fault: ${kind}`, count] as const),
    ['failed seeds', failed.length],
  ]
  const width = Math.max(...rows.map(([name]) => name.length))
  return [...rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`), ...failed.map(failureOf)].join('\n')
}

/** What is wrong, and the command that replays it. */
export function failureOf({ seed, violations }: SeedReport): string {
  const shown = violations.slice(0, 3).map(({ invariant, what }) => `  ${invariant}: ${what}`)
  return [`seed ${seed} failed:`, ...shown, `  replay: npm run test:simulate -- --seed ${seed} --trace`].join('\n')
}
