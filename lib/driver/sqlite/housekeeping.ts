import type { Clock } from '../../base/clock.ts'
import type { Transaction, WriteKind } from './write-queue.ts'

/** Removes at most `limit` rows that are no longer wanted, and says how many it found. */
export type Sweep = (transaction: Transaction, limit: number) => number

const everyMs = 30_000
/** While there is more to remove. */
const soonMs = 200
/** Rows at a time, so that nobody waits for the lock. */
const limit = 500

/** Removes what has expired, a little at a time, while the process lives. Does not keep it alive; any process of the store may do it. */
export class Housekeeping {
  readonly #clock: Clock
  readonly #write: <T, R>(kind: WriteKind<T, R>, item: T) => Promise<R>
  readonly #cancels = new Set<() => void>()
  #isClosed = false

  constructor(clock: Clock, write: <T, R>(kind: WriteKind<T, R>, item: T) => Promise<R>) {
    this.#clock = clock
    this.#write = write
  }

  /** Sweeps now and then until told to stop. */
  add(sweep: Sweep): () => void {
    const kind: WriteKind<undefined, number> = {
      name: 'remove what has expired',
      weight: () => limit,
      run: (transaction, items) => items.map(() => sweep(transaction, limit)),
    }
    let cancel = (): void => {}
    const arm = (ms: number): void => {
      cancel = this.#clock.timer(ms * (0.5 + Math.random()), () => {
        // A failure here hurts nobody: whatever made it fail fails the store's real work too, which tells of it.
        this.#write(kind, undefined).then(
          (count) => next(count >= limit ? soonMs : everyMs),
          () => next(everyMs),
        )
      })
    }
    let isStopped = false
    const next = (ms: number): void => {
      if (!isStopped && !this.#isClosed) arm(ms)
    }
    const stop = (): void => {
      isStopped = true
      cancel()
      this.#cancels.delete(stop)
    }
    this.#cancels.add(stop)
    next(everyMs)
    return stop
  }

  close(): void {
    this.#isClosed = true
    for (const stop of [...this.#cancels]) stop()
  }
}
