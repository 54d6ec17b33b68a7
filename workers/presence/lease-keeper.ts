import { Worker } from 'node:worker_threads'
import type { Clock } from '../../lib/base/clock.ts'
import { type Deferred, deferred } from '../../lib/base/deferred.ts'
import { WorkerLostError } from '../../lib/base/errors.ts'
import type { Logger } from '../../lib/base/logger.ts'
import type { Service } from '../../lib/base/service.ts'
import type { LeaseModule } from '../../lib/broker/broker.ts'
import type { LeaseThreadData, LeaseThreadMessage } from './lease-thread.ts'
import type { TaskBoard } from './task-board.ts'

export interface LeaseKeeperParts {
  readonly lease: LeaseModule
  readonly board: TaskBoard
  readonly hostname: string
  readonly maxBlockedMs: number
  readonly clock: Clock
  readonly logger: Logger
  /** The lease had lapsed; other workers may hold our messages now. */
  readonly onLost: () => void
}

/** Keeps a consumer's claims alive from a thread of its own, which a task that blocks the event loop can't hold up. */
export class LeaseKeeper implements Service {
  readonly #parts: LeaseKeeperParts
  #thread: Worker | undefined
  #ready: Deferred<void> = deferred()
  #isStopping = false
  #cancelRestart: (() => void) | undefined

  constructor(parts: LeaseKeeperParts) {
    this.#parts = parts
  }

  /** Resolves when the thread renews. @throws {WorkerLostError} when it can't */
  async start(): Promise<void> {
    this.#open()
    await this.#ready.promise
  }

  async stop(): Promise<void> {
    this.#isStopping = true
    this.#cancelRestart?.()
    const thread = this.#thread
    if (thread === undefined) return
    const ended = new Promise<void>((resolve) => thread.once('exit', () => resolve()))
    thread.postMessage('stop')
    await ended
  }

  #open(): void {
    const { lease, board, hostname, maxBlockedMs } = this.#parts
    const thread = openThread({ lease, board: board.memory, hostname, maxBlockedMs })
    this.#thread = thread
    thread.on('message', (message: LeaseThreadMessage) => this.#onMessage(message))
    // An error ends the thread, so `exit` follows it.
    let cause: unknown
    thread.once('error', (error) => {
      cause = error
    })
    thread.once('exit', () => this.#onExit(cause))
  }

  #onMessage(message: LeaseThreadMessage): void {
    if (message.kind === 'ready') this.#ready.resolve()
    else if (message.kind === 'lost') this.#parts.onLost()
    else
      this.#parts.logger.warn(
        { reason: message.message },
        'The lease on claimed messages could not be renewed; trying again.',
      )
  }

  #onExit(cause: unknown): void {
    this.#thread = undefined
    if (this.#isStopping) return
    const message = 'The thread that renews the lease on claimed messages has ended by itself.'
    this.#ready.reject(new WorkerLostError(`${message} The worker cannot start without it.`, { cause }))
    this.#ready.promise.catch(() => {}) // after the start nobody waits for it
    this.#parts.logger.error({ err: cause }, `${message} Starting another.`)
    this.#cancelRestart = this.#parts.clock.timer(500, () => this.#open())
  }
}

function openThread(data: LeaseThreadData): Worker {
  const entry = import.meta.url.endsWith('.js')
    ? './lease-thread.js'
    : stripsTypes()
      ? './lease-thread.ts'
      : './lease-thread-from-source.mjs'
  // Nothing of the user's runs there, so none of what their flags load need be.
  return new Worker(new URL(entry, import.meta.url), { workerData: data, execArgv: [] })
}

function stripsTypes(): boolean {
  const features = process.features as { typescript?: unknown }
  return features.typescript !== undefined && features.typescript !== false
}
