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
  readonly resolve: (outcome: Outcome) => void
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

  run(job: Job): Promise<Outcome> {
    return new Promise((resolve) => {
      const mark = this.#board.add(job.headers.id, job.headers.task, job.timeLimitMs)
      const attempt = new Attempt(job, this.#parts, mark)
      const slot: Slot = { attempt, mark, startedAt: this.#clock.monotonic(), resolve, disarm: undefined }
      this.#slots.add(slot)
      slot.disarm = startTimeLimits(attempt, this.#clock, (outcome) => this.#endEarly(slot, outcome))
      void attempt.run().then((outcome) => this.#returned(slot, outcome)) // never rejects
    })
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

  #returned(slot: Slot, outcome: Outcome): void {
    if (this.#leftovers.delete(slot)) return
    this.#leave(slot)
    slot.resolve(outcome)
  }

  #endEarly(slot: Slot, outcome: Outcome): void {
    this.#leftovers.add(slot)
    this.#leave(slot)
    slot.resolve(outcome)
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
