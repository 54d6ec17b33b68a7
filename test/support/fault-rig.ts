import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { checkHistory, describeCounts, type HistoryBounds, type HistoryReport } from './check-history.ts'
import { type HistoryEvent, readHistory } from './history.ts'
import { openHistory } from './history-writer.js'
import { type Processes, projectRoot, type StartedProcess } from './processes.ts'

/** Tasks that one worker of the workload runs at a time. */
export const runByWorker = 4
/** What it holds at most: three times as many are claimed. */
export const heldByWorker = 3 * runByWorker

/** A run of the fault tests asks for the long forms: more calls, more faults, hours instead of seconds. */
export const isLong = process.env['UMBEL_TEST_FAULTS'] === 'long'

/** Real workers and callers of `test/crash/workload` over one store in a temporary folder, and the history that they write. */
export class FaultRig {
  readonly folder: string
  readonly #processes: Processes
  readonly #env: Record<string, string>
  readonly #record: ReturnType<typeof openHistory>

  constructor(folder: string, processes: Processes) {
    this.folder = folder
    this.#processes = processes
    const historyFolder = join(folder, 'history')
    mkdirSync(historyFolder, { recursive: true })
    this.#record = openHistory(historyFolder, 'test')
    this.#env = {
      UMBEL_TEST_HISTORY: historyFolder,
      UMBEL_BROKER: `sqlite://${join(folder, 'store.db')}`,
      UMBEL_LOG_LEVEL: 'info',
    }
  }

  /** A worker that has said that it is ready. */
  async startWorker(options: WorkerStart = {}): Promise<StartedProcess> {
    const { fault, concurrency, ownGroup = false } = options
    const worker = this.#processes.umbel(['-A', join(workload, 'app.js'), 'worker'], {
      cwd: this.folder,
      env: { ...this.#env, UMBEL_FAULT: fault, UMBEL_WORKER_CONCURRENCY: concurrency?.toString() },
      name: `worker${fault === undefined ? '' : ` (${fault})`}`,
      ownGroup,
    })
    await worker.prints(workerIsReady).catch((error: unknown) => {
      // It may have reached its crash point before it could say so.
      if (fault === undefined || worker.isRunning) throw error
    })
    return worker
  }

  /** A program that makes calls; see workload/produce.js. */
  produce(calls: Calls, fault?: string): StartedProcess {
    return this.#processes.node(join(workload, 'produce.js'), [JSON.stringify(calls)], {
      cwd: this.folder,
      env: { ...this.#env, UMBEL_FAULT: fault },
      name: 'producer',
    })
  }

  /** Kills a worker, and says so in the history first. */
  async kill(worker: StartedProcess): Promise<void> {
    this.#record({ e: 'fault.on', how: 'kill', victim: worker.pid })
    await worker.kill('SIGKILL')
  }

  /** Writes down a fault that the test did not cause itself, or causes in another way. */
  note(how: 'kill' | 'cold-stop' | 'warm-stop', victim: number): void {
    this.#record({ e: 'fault.on', how, victim })
  }

  /** What was written so far; by workers, by producers, or by all. */
  history(from?: 'worker' | 'producer'): HistoryEvent[] {
    return readHistory(join(this.folder, 'history'), { isLive: true, ...(from === undefined ? {} : { from }) })
  }

  /** Waits for an empty queue, reads every result, and judges. */
  async judge(bounds: HistoryBounds, options: { withinMs?: number } = {}): Promise<HistoryReport> {
    const withinMs = options.withinMs ?? 60_000
    const drain = this.#processes.node(join(workload, 'drain.js'), [JSON.stringify({ withinMs })], {
      cwd: this.folder,
      env: this.#env,
      name: 'drain',
    })
    await drain.succeeds({ withinMs: withinMs + 30_000 })
    return checkHistory(readHistory(join(this.folder, 'history')), bounds)
  }

  /** The command line over the same store. */
  async umbel(args: readonly string[]): Promise<string> {
    const run = this.#processes.umbel(['-A', join(workload, 'app.js'), ...args], { cwd: this.folder, env: this.#env })
    await run.succeeds()
    return run.stdout
  }

  close(): void {
    this.#record.close()
  }
}

/** How a worker is started. */
export interface WorkerStart {
  /** As UMBEL_FAULT: `settle.beforeCommit:3:sigkill`. */
  readonly fault?: string
  /** @default 4 */
  readonly concurrency?: number
  /** A process group of its own. */
  readonly ownGroup?: boolean
}

/** What produce.js is asked for. */
export interface Calls {
  readonly prefix: string
  readonly from?: number
  readonly count: number
  /** Calls on their way at a time. @default 50 */
  readonly window?: number
  /** @default late */
  readonly task?: 'late' | 'early'
  /** How long each takes, ms. @default 0 */
  readonly ms?: number
  /** Waits for every so manieth result; 0 for none. @default 0 */
  readonly wait?: number
  /** ISO 8601. */
  readonly eta?: string
}

/** Throws with every problem unless the run passed; prints the counts. */
export function assertPassed(report: HistoryReport): void {
  console.log(`    ${describeCounts(report)}`)
  if (report.verdict !== 'passed') throw new Error(`${describeCounts(report)}\n${report.problems.join('\n')}`)
}

/** What a worker logs when it has begun to take tasks. */
const workerIsReady = /takes tasks from/
const workload = join(projectRoot, 'test/crash/workload')
