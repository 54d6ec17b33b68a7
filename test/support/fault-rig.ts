import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { surveyRows } from '../crash/store/survey-rows.ts'
import { checkHistory, describeCounts, type HistoryBounds, type HistoryReport } from './check-history.ts'
import { type HistoryEvent, type HistoryFact, readHistory } from './history.ts'
import { openHistory } from './history-writer.js'
import { type Processes, projectRoot, type StartedProcess, type StartOptions } from './processes.ts'

/** Tasks that one worker of the workload runs at a time. */
export const runByWorker = 4
/** What it holds at most: three times as many are claimed. */
export const heldByWorker = 3 * runByWorker

/** A run of the fault tests asks for the long forms: more calls, more faults, hours instead of seconds. */
export const isLong = process.env['UMBEL_TEST_FAULTS'] === 'long'

/** Around a whole rig. */
export interface RigOptions {
  /** Added to the environment of every process. */
  readonly env?: Readonly<Record<string, string>>
  /** Where the store lies. @default the rig's own folder */
  readonly storeFolder?: string
  /** As {@link StartOptions.wrap}, for every process. */
  readonly wrap?: StartOptions['wrap']
}

/** Real workers and callers of `test/crash/workload` over one store in a temporary folder, and the history that they write. */
export class FaultRig {
  readonly folder: string
  /** The store's file. */
  readonly store: string
  readonly #processes: Processes
  readonly #options: RigOptions
  readonly #env: Record<string, string>
  readonly #record: ReturnType<typeof openHistory>
  #isClosed = false

  constructor(folder: string, processes: Processes, options: RigOptions = {}) {
    this.folder = folder
    this.store = join(options.storeFolder ?? folder, 'store.db')
    this.#processes = processes
    this.#options = options
    const historyFolder = join(folder, 'history')
    mkdirSync(historyFolder, { recursive: true })
    this.#record = openHistory(historyFolder, 'test')
    this.#env = {
      UMBEL_TEST_HISTORY: historyFolder,
      UMBEL_BROKER: `sqlite://${this.store}`,
      UMBEL_LOG_LEVEL: 'info',
      ...options.env,
    }
  }

  /** A worker that has said that it is ready. */
  async startWorker(options: WorkerStart = {}): Promise<StartedProcess> {
    const { fault, concurrency, ownGroup = false, queues, env, wrap = this.#options.wrap } = options
    const worker = this.#processes.umbel(
      ['-A', join(workload, 'app.js'), 'worker', ...(queues === undefined ? [] : ['-Q', queues.join(',')])],
      {
        cwd: this.folder,
        env: { ...this.#env, UMBEL_FAULT: fault, UMBEL_WORKER_CONCURRENCY: concurrency?.toString(), ...env },
        name: `worker${fault === undefined ? '' : ` (${fault})`}`,
        ownGroup,
        wrap,
      },
    )
    void worker.exited.then(({ code, signal }) => this.#noteEnd(worker, code, signal)) // a process that started
    await worker.prints(options.ready ?? workerIsReady).catch((error: unknown) => {
      // It may have reached its crash point before it could say so.
      if ((fault === undefined && options.mayDie !== true) || worker.isRunning) throw error
    })
    return worker
  }

  /** Starts a worker, and another one as often as it dies, as a service manager does. @returns ends that */
  async keepWorker(options: WorkerStart = {}): Promise<Kept> {
    let isStopping = false
    let deaths = 0
    let worker = await this.startWorker({ ...options, mayDie: true })
    const keep = async (): Promise<void> => {
      for (;;) {
        const { pid } = worker
        await worker.exited
        if (isStopping) return
        this.note('kill', pid)
        deaths++
        worker = await this.startWorker({ ...options, mayDie: true })
      }
    }
    const kept = keep()
    return {
      deaths: () => deaths,
      worker: () => worker,
      stop: async () => {
        isStopping = true
        worker.signal('SIGTERM')
        await kept
      },
    }
  }

  /** A program that makes calls; see workload/produce.js. */
  produce(
    calls: Calls,
    fault?: string,
    more: { env?: Record<string, string>; wrap?: StartOptions['wrap'] } = {},
  ): StartedProcess {
    return this.node('produce.js', calls, {
      env: { UMBEL_FAULT: fault, ...more.env },
      ...(more.wrap && { wrap: more.wrap }),
    })
  }

  /** Another script of workload/, with the rig's environment. */
  node(script: string, asked: unknown, options: StartOptions = {}): StartedProcess {
    return this.#processes.node(join(workload, script), [JSON.stringify(asked)], {
      cwd: this.folder,
      wrap: this.#options.wrap,
      ...options,
      env: { ...this.#env, ...options.env },
      name: script.replace('.js', ''),
    })
  }

  /** Kills a worker, and says so in the history first. */
  async kill(worker: StartedProcess): Promise<void> {
    this.#record({ e: 'fault.on', how: 'kill', victim: worker.pid })
    await worker.kill('SIGKILL')
  }

  /** Writes down a fault that the test did not cause itself, or causes in another way. */
  note(how: 'kill' | 'freeze' | 'cold-stop' | 'warm-stop' | 'broker', victim?: number): void {
    this.#record({ e: 'fault.on', how, ...(victim !== undefined && { victim }) })
  }

  /** Writes down that a fault is over. */
  noteOver(how: string): void {
    this.#record({ e: 'fault.off', how })
  }

  /** Writes down anything else that only the test knows. */
  record(fact: HistoryFact): void {
    this.#record(fact)
  }

  /** What was written so far; by workers, by producers, or by all. */
  history(from?: 'worker' | 'producer'): HistoryEvent[] {
    return readHistory(join(this.folder, 'history'), { isLive: true, ...(from === undefined ? {} : { from }) })
  }

  /** Waits for empty queues, reads every result and every row, and judges. */
  async judge(bounds: HistoryBounds, options: { withinMs?: number } = {}): Promise<HistoryReport> {
    const withinMs = options.withinMs ?? 60_000
    await this.node('drain.js', { withinMs }).succeeds({ withinMs: withinMs + 30_000 })
    // A store on a disk of its own can't be seen from here.
    const extras = this.#options.wrap === undefined ? surveyRows(this.store).faults : []
    const history = readHistory(join(this.folder, 'history'))
    return checkHistory(
      history.map((event) => (event.e === 'drained' ? { ...event, extras } : event)),
      bounds,
    )
  }

  /** The command line over the same store. */
  async umbel(args: readonly string[]): Promise<string> {
    const { wrap } = this.#options
    const options = { cwd: this.folder, env: this.#env, wrap }
    const run = this.#processes.umbel(['-A', join(workload, 'app.js'), ...args], options)
    await run.succeeds()
    return run.stdout
  }

  close(): void {
    this.#isClosed = true
    this.#record.close()
  }

  /** Once the test is over every process is ended, which says nothing. */
  #noteEnd(worker: StartedProcess, code: number | null, signal: string | null): void {
    if (this.#isClosed) return
    const stray = worker.stderr.match(/^.*(uncaught exception|nobody handled it,) outside any task.*$/gm) ?? []
    this.#record({ e: 'proc.end', victim: worker.pid, code, signal, stray })
  }
}

/** A worker that is started again whenever it dies. */
export interface Kept {
  deaths(): number
  worker(): StartedProcess
  stop(): Promise<void>
}

/** How a worker is started. */
export interface WorkerStart {
  /** As UMBEL_FAULT: `settle.beforeCommit:3:sigkill`. */
  readonly fault?: string
  /** @default 4 */
  readonly concurrency?: number
  /** A process group of its own. */
  readonly ownGroup?: boolean
  readonly queues?: readonly string[]
  /** It may end before it could say that it is ready. */
  readonly mayDie?: boolean
  /** What it prints when it has begun to take tasks; where its log goes elsewhere. */
  readonly ready?: RegExp
  readonly env?: Readonly<Record<string, string>>
  readonly wrap?: StartOptions['wrap']
}

/** What produce.js is asked for. */
export interface Calls {
  readonly prefix: string
  readonly from?: number
  readonly count: number
  /** Calls on their way at a time. @default 50 */
  readonly window?: number
  /** @default late */
  readonly task?: 'late' | 'early' | 'die' | 'loop' | 'refuse' | 'waver' | 'block' | 'hoard'
  /** For `die`: how. */
  readonly how?: 'kill' | 'segv' | 'abort' | 'exit' | 'memory'
  /** Each in turn. @default the default queue */
  readonly queues?: readonly string[]
  /** The due time is not told to the broker, only to whoever reads the message. */
  readonly noDue?: boolean
  /** Each sends another one when it has succeeded. */
  readonly link?: boolean
  /** Pause between windows, ms. @default 0 */
  readonly everyMs?: number
  /** How long each takes, ms. @default 0 */
  readonly ms?: number
  /** Waits for every so manieth result; 0 for none. @default 0 */
  readonly wait?: number
  /** ISO 8601. */
  readonly eta?: string
  /** Counted on the caller's own clock. */
  readonly countdownMs?: number
}

/** Throws with every problem unless the run passed; prints the counts. */
export function assertPassed(report: HistoryReport): void {
  console.log(`    ${describeCounts(report)}`)
  if (report.verdict !== 'passed') throw new Error(`${describeCounts(report)}\n${report.problems.join('\n')}`)
}

/** What a worker logs when it has begun to take tasks. */
const workerIsReady = /takes tasks from/
const workload = join(projectRoot, 'test/crash/workload')
