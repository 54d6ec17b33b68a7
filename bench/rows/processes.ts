import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Child } from '../children.ts'
import { monotonicMs, type Produced, type ProducerJob, type Usage } from '../messages.ts'
import type { RowContext } from './row.ts'

/** Between looks at what is left, ms: what an ending is known to at most. */
const lookEveryMs = 2
/** Workers tell of their runs a thousand at a time. */
const toldEvery = 1_000

export function idsFile({ folder }: RowContext): string {
  return join(folder, 'ids.txt')
}

/** Sends in a process of its own. @param role names its profile; without, none is made */
export async function produce(context: RowContext, job: ProducerJob, role?: string): Promise<Produced> {
  const env = role === undefined ? {} : context.profiled(role)
  const [produced] = await produceAll(context, [job], env)
  return produced!
}

/** Several jobs, one after the other in one process. */
export async function produceAll(
  { children, system }: RowContext,
  jobs: readonly ProducerJob[],
  env: Readonly<Record<string, string>> = {},
): Promise<readonly Produced[]> {
  const { produced } = await children.run(system.producer(jobs), 'produced', env)
  return produced
}

export interface WorkerOptions {
  readonly workers: number
  /** Names its profile; without, none is made. */
  readonly role?: string
}

export function startWorkers({ children, system, profiled }: RowContext, { workers, role }: WorkerOptions): Child[] {
  return Array.from({ length: workers }, (_, index) =>
    children.start(system.worker(), role === undefined ? {} : profiled(workers === 1 ? role : `${role}-${index + 1}`)),
  )
}

/** What workers did, from the first run to the last record stored. */
export interface Drained extends Usage {
  readonly firstAtMs: number
  readonly lastAtMs: number
}

/**
 * Waits until nothing is left, and ends the workers.
 * @param runs how many there are to be, of all workers together
 * @throws when there were fewer or more
 */
export async function drained({ system }: RowContext, workers: readonly Child[], runs: number): Promise<Drained> {
  while (sum(workers.map(runsOf)) < runs - toldEvery * workers.length) {
    for (const worker of workers) worker.refuseEnded()
    await pause(lookEveryMs)
  }
  while ((await system.unsettled()) > 0) {
    for (const worker of workers) worker.refuseEnded()
    await pause(lookEveryMs)
  }
  const lastAtMs = monotonicMs()
  const usages = await Promise.all(workers.map((worker) => askUsage(worker)))
  const ran = sum(usages.map((usage) => usage.runs))
  if (ran !== runs) throw new Error(`${runs} runs were expected and there were ${ran}.`)
  const firsts = workers.flatMap((worker) => worker.latest('first')?.atMs ?? [])
  for (const worker of workers) await worker.stop()
  return {
    firstAtMs: Math.min(...firsts),
    lastAtMs,
    cpuUs: sum(usages.map(({ usage }) => usage.cpuUs)),
    peakMb: Math.max(...usages.map(({ usage }) => usage.peakMb)),
  }
}

/** What a worker spent since its first run, and how many there were until it answered. */
export async function askUsage(worker: Child): Promise<{ usage: Usage; runs: number }> {
  worker.ask({ kind: 'usage' })
  return worker.reports('usage')
}

/**
 * Reads every result of the first so many calls. @throws naming those that are wrong
 * @returns how many there are, as the figure `verified`
 */
export async function verify(context: RowContext, count: number): Promise<{ verified: number }> {
  const ids = readFileSync(idsFile(context), 'utf8').split('\n').slice(0, -1).slice(0, count)
  const different = new Set(ids).size
  if (different !== count) throw new Error(`${count} different ids were expected, and there are ${different}.`)
  const wrong = await context.system.wrongResults(ids)
  if (wrong.length > 0)
    throw new Error(`${wrong.length} of ${count} results are wrong: ${wrong.slice(0, 5).join('; ')}`)
  return { verified: count }
}

function runsOf(worker: Child): number {
  return worker.latest('runs')?.runs ?? 0
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
