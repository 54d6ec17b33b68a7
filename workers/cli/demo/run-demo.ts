import { setMaxListeners } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Umbel } from '../../../lib/app/app.ts'
import { systemClock as clock } from '../../../lib/base/clock.ts'
import { deferred } from '../../../lib/base/deferred.ts'
import type { AsyncResult } from '../../../lib/result/async-result.ts'
import { type DemoEntry, type DemoReport, reportOf } from './demo-report.ts'
import { DemoWorkers } from './demo-workers.ts'
import type { FileFacts } from './inspect-file.ts'
import { listFiles } from './list-files.ts'

export interface DemoOptions {
  readonly folder: string
  readonly workers: number
  /** Kill one worker in the middle and start another. */
  readonly chaos: boolean
  readonly onProgress: (progress: DemoProgress) => void
  /** Ends the demo early; what was started is stopped. */
  readonly signal: AbortSignal
}

export interface DemoProgress {
  readonly total: number
  readonly done: number
  readonly seconds: number
}

// Enough to keep every slot and the claims ahead of it busy, few enough that a call doesn't wait long behind the others.
const inFlightPerWorker = 24
const chunkSize = 12

/**
 * One task per file, over an embedded store in a temporary folder, run by worker processes.
 * @throws NodeJS.ErrnoException when the folder can't be read; WorkerLostError when workers can't run
 */
export async function runDemo(options: DemoOptions): Promise<DemoReport> {
  const temporary = await mkdtemp(join(tmpdir(), 'umbel-demo-'))
  const brokerUrl = `sqlite://${join(temporary, 'umbel.db')}`
  const lost = deferred<never>()
  lost.promise.catch(() => {}) // awaited in races only
  const onAbort = (): void => lost.reject(options.signal.reason)
  options.signal.addEventListener('abort', onAbort, { once: true })
  // Every wait listens to it.
  setMaxListeners(0, options.signal)
  const app = new Umbel('demo-client', { broker: brokerUrl })
  const workers = new DemoWorkers(brokerUrl, lost.reject)
  try {
    const run = new DemoRun(app, workers, options)
    return await Promise.race([run.report(), lost.promise])
  } finally {
    options.signal.removeEventListener('abort', onAbort)
    await workers.stop()
    await app.close()
    await rm(temporary, { recursive: true, force: true })
  }
}

class DemoRun {
  readonly #app: Umbel
  readonly #workers: DemoWorkers
  readonly #options: DemoOptions
  readonly #entries: DemoEntry[] = []
  #startedAt = 0
  #total = 0
  #killed: DemoReport['killed']
  #roomMade = deferred()

  constructor(app: Umbel, workers: DemoWorkers, options: DemoOptions) {
    this.#app = app
    this.#workers = workers
    this.#options = options
  }

  async report(): Promise<DemoReport> {
    // All paths first: 100,000 of them are a few megabytes, and the bar and the middle of the run need the total.
    const files: string[] = []
    for await (const path of listFiles(this.#options.folder)) files.push(path)
    this.#total = files.length
    if (files.length > 0) await this.#startWorkers()
    const inFlight = this.#options.workers * inFlightPerWorker
    this.#startedAt = clock.monotonic()
    for (let sent = 0; sent < files.length; sent += chunkSize) {
      while (sent - this.#entries.length > inFlight) await this.#room()
      await this.#send(files.slice(sent, sent + chunkSize))
    }
    while (this.#entries.length < files.length) await this.#room()
    return reportOf(this.#entries, { listed: files.length, seconds: this.#seconds(), killed: this.#killed })
  }

  /** Resolves when the first one runs tasks, so that the figures are of the queue and not of processes that start. */
  async #startWorkers(): Promise<void> {
    for (let n = 0; n < this.#options.workers; n++) this.#workers.start()
    const ready = await this.#app.sendTask('demo.isReady')
    await ready.get({ timeout: '1m', signal: this.#options.signal })
  }

  async #send(paths: readonly string[]): Promise<void> {
    const sentAt = clock.monotonic()
    const results = await this.#app.sendMany(
      paths.map((path) => this.#app.signature({ task: 'demo.inspectFile', args: [path] })),
    )
    results.forEach((result, index) => {
      this.#follow(paths[index]!, result, sentAt)
    })
  }

  #follow(path: string, result: AsyncResult<unknown>, sentAt: number): void {
    result.outcome({ timeout: null, signal: this.#options.signal }).then(
      (outcome) => {
        const isDone = outcome.kind === 'succeeded'
        this.#add({
          path,
          // Our own task's result, from our own worker.
          facts: isDone ? (outcome.value as FileFacts) : undefined,
          error: isDone ? undefined : outcome.error.message,
          waitedMs: clock.monotonic() - sentAt,
        })
      },
      (error: Error) =>
        this.#add({ path, facts: undefined, error: error.message, waitedMs: clock.monotonic() - sentAt }),
    )
  }

  #add(entry: DemoEntry): void {
    this.#entries.push(entry)
    this.#options.onProgress({
      total: this.#total,
      done: this.#entries.length,
      seconds: this.#seconds(),
    })
    this.#roomMade.resolve()
    const isMiddle = this.#entries.length * 2 >= this.#total
    if (this.#options.chaos && this.#killed === undefined && isMiddle) this.#wreak()
  }

  #wreak(): void {
    const pid = this.#workers.kill()
    if (pid === undefined) return
    this.#killed = { pid, afterFiles: this.#entries.length }
    this.#workers.start()
  }

  async #room(): Promise<void> {
    this.#roomMade = deferred()
    await this.#roomMade.promise
  }

  #seconds(): number {
    return (clock.monotonic() - this.#startedAt) / 1000
  }
}
