import type { Clock } from '../../lib/base/clock.ts'
import { deferred } from '../../lib/base/deferred.ts'
import { WorkerShutdown } from '../../lib/base/errors.ts'
import { Attempt } from '../../lib/run/attempt.ts'
import type { AttemptParts } from '../../lib/run/attempt-parts.ts'
import type { Job } from '../../lib/run/job.ts'
import type { Outcome } from '../../lib/run/outcome.ts'
import { startTimeLimits } from '../../lib/run/time-limit.ts'
import type { Pool, RunningJob } from './pool.ts'

/** Where the pool shows what runs; the worker's task board. */
export interface RunningBoard {
  /** @returns a mark to remove it by */
  add(id: string, task: string, limitMs: number | undefined): number
  remove(mark: number): void
}

interface Slot {
  readonly attempt: Attempt
  readonly mark: number
  readonly startedAt: number
  /** Told when the job ends; undefined while its function has not returned for the first time. */
  resolve: ((outcome: Outcome) => void) | undefined
  /** How it was ended from outside before that: by its own function, which asked for its revocation, say. */
  endedAs: Outcome | undefined
  disarm: (() => void) | undefined
}

/**
 * Runs tasks in the worker's own event loop. A function can't be stopped here, so one that is ended early (hard limit, revoked, shutdown)
 * is settled at once, and what it still does has no effect: its slot is free, it is remembered as a leftover until it returns.
 */
export class AsyncPool implements Pool {
  readonly #parts: AttemptParts
  readonly #board: RunningBoard
  readonly #clock: Clock
  readonly #slots = new Set<Slot>()
  readonly #leftovers = new Set<Slot>()
  #onEmpty: (() => void) | undefined

  constructor(parts: AttemptParts, board: RunningBoard) {
    this.#parts = parts
    this.#board = board
    this.#clock = parts.clock
  }

  async start(): Promise<void> {}

  async stop(): Promise<void> {
    await this.release(0)
  }

  run(job: Job): Outcome | Promise<Outcome> {
    const mark = this.#board.add(job.headers.id, job.headers.task, job.timeLimitMs)
    const attempt = new Attempt(job, this.#parts, mark)
    const startedAt = this.#clock.monotonic()
    const slot: Slot = { attempt, mark, startedAt, resolve: undefined, endedAs: undefined, disarm: undefined }
    this.#slots.add(slot)
    slot.disarm = startTimeLimits(attempt, this.#clock, (outcome) => this.#endEarly(slot, outcome))
    const outcome = attempt.run()
    if (outcome instanceof Promise) return this.#whenReturned(slot, outcome)
    return this.#returned(slot, outcome)
  }

  running(): RunningJob[] {
    return [...this.#slots].map((slot) => this.#shown(slot))
  }

  leftovers(): RunningJob[] {
    return [...this.#leftovers].map((slot) => this.#shown(slot))
  }

  terminate(taskId: string): boolean {
    const found = [...this.#slots].filter(({ attempt }) => attempt.job.headers.id === taskId)
    for (const slot of found) this.#endEarly(slot, slot.attempt.revoke())
    return found.length > 0
  }

  disown(): void {
    for (const { attempt } of this.#slots) attempt.disown()
  }

  async release(graceMs: number): Promise<void> {
    const stopping = new WorkerShutdown('The worker is stopping; this task is given back and runs again.')
    for (const { attempt } of this.#slots) attempt.abort(stopping)
    if (this.#slots.size > 0 && graceMs > 0) await this.#emptyWithin(graceMs)
    for (const slot of this.#slots) this.#endEarly(slot, slot.attempt.release())
  }

  async #emptyWithin(ms: number): Promise<void> {
    const over = deferred()
    this.#onEmpty = over.resolve
    const cancel = this.#clock.timer(ms, over.resolve, { keepAlive: true })
    await over.promise
    cancel()
    this.#onEmpty = undefined
  }

  #whenReturned(slot: Slot, returning: Promise<Outcome>): Outcome | Promise<Outcome> {
    // Never rejects.
    void returning.then((outcome) => {
      const counted = this.#returned(slot, outcome)
      slot.resolve?.(counted)
    })
    if (slot.endedAs !== undefined) return slot.endedAs
    return new Promise((resolve) => {
      slot.resolve = resolve
    })
  }

  /** How it counts: as it returned, or as it was ended before. */
  #returned(slot: Slot, outcome: Outcome): Outcome {
    if (this.#leftovers.delete(slot)) return slot.endedAs!
    this.#leave(slot)
    return outcome
  }

  #endEarly(slot: Slot, outcome: Outcome): void {
    slot.endedAs = outcome
    this.#leftovers.add(slot)
    this.#leave(slot)
    slot.resolve?.(outcome)
  }

  #leave(slot: Slot): void {
    slot.disarm?.()
    this.#board.remove(slot.mark)
    this.#slots.delete(slot)
    if (this.#slots.size === 0) this.#onEmpty?.()
  }

  #shown({ attempt, startedAt }: Slot): RunningJob {
    const { headers, queue } = attempt.job
    return { id: headers.id, task: headers.task, queue, seconds: (this.#clock.monotonic() - startedAt) / 1000 }
  }
}
