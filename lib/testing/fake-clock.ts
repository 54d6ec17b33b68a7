import type { Clock } from '../base/clock.ts'
import { type WrittenDuration, writtenDurationMs } from '../base/duration.ts'
import { nextTurn } from './real-time.ts'

interface Timer {
  readonly dueAt: number
  readonly order: number
  readonly fire: () => void
}

/** Time that moves only when told. */
export class FakeClock implements Clock {
  readonly isManual = true
  #now: number
  #elapsed = 0
  #order = 0
  readonly #timers = new Set<Timer>()

  /** @param startsAt ms since the epoch; 2030-01-01 unless told */
  constructor(startsAt: number = Date.UTC(2030, 0, 1)) {
    this.#now = startsAt
  }

  now(): number {
    return this.#now
  }

  monotonic(): number {
    return this.#elapsed
  }

  timer(ms: number, fire: () => void): () => void {
    const timer: Timer = { dueAt: this.#elapsed + Math.max(0, ms), order: this.#order++, fire }
    this.#timers.add(timer)
    return () => void this.#timers.delete(timer)
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const onAbort = (): void => {
        cancel()
        reject(signal?.reason)
      }
      const cancel = this.timer(ms, () => {
        signal?.removeEventListener('abort', onAbort)
        resolve()
      })
      signal?.addEventListener('abort', onAbort, { once: true })
    })
  }

  /** Timers armed and not fired. */
  get pending(): number {
    return this.#timers.size
  }

  /** How long until the next timer fires, ms; undefined when none is armed. */
  get untilNext(): number | undefined {
    const next = this.#next()
    return next === undefined ? undefined : next.dueAt - this.#elapsed
  }

  /**
   * Moves time on. Timers that come due fire in order, each at its own time; after each one, and at the end, everything that waits on
   * promises runs first, so that timers set meanwhile take part.
   * @param by `'10m'`; a bare number is ms, as everywhere in a {@link Clock}
   */
  async advance(by: number | WrittenDuration): Promise<void> {
    const endsAt = this.#elapsed + (typeof by === 'number' ? by : writtenDurationMs(by, 'advance()'))
    await nextTurn()
    for (let next = this.#next(); next !== undefined && next.dueAt <= endsAt; next = this.#next()) {
      this.#moveTo(next.dueAt)
      this.#timers.delete(next)
      next.fire()
      await nextTurn()
    }
    this.#moveTo(endsAt)
    await nextTurn()
  }

  /** Sets the wall clock forward or back, as an operator might; durations don't notice. */
  jump(ms: number): void {
    this.#now += ms
  }

  #moveTo(elapsed: number): void {
    if (elapsed <= this.#elapsed) return
    this.#now += elapsed - this.#elapsed
    this.#elapsed = elapsed
  }

  #next(): Timer | undefined {
    let first: Timer | undefined
    for (const timer of this.#timers)
      if (
        first === undefined ||
        timer.dueAt < first.dueAt ||
        (timer.dueAt === first.dueAt && timer.order < first.order)
      )
        first = timer
    return first
  }
}
