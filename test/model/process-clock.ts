import type { Clock } from '../../lib/base/clock.ts'
import type { FakeClock } from '../../lib/testing/fake-clock.ts'

/** Node fires a timer beyond this after 1 ms. */
const longestMs = 2 ** 31 - 1

/** The clock of one process: tells the time that all share, and its timers end with the process. */
export class ProcessClock implements Clock {
  /** Timers that nobody should have armed, in words. */
  readonly faults: string[] = []
  readonly #time: FakeClock
  readonly #armed = new Set<() => void>()
  #isDead = false

  constructor(time: FakeClock) {
    this.#time = time
  }

  now(): number {
    return this.#time.now()
  }

  monotonic(): number {
    return this.#time.monotonic()
  }

  /** Far from every other time here, so that a mix-up shows. */
  machine(): number {
    return 5_000_000 + this.#time.monotonic()
  }

  timer(ms: number, fire: () => void): () => void {
    if (!(ms <= longestMs)) this.faults.push(`a timer was armed for ${ms} ms`)
    if (this.#isDead) return () => {}
    const cancelTimer = this.#time.timer(ms, () => {
      this.#armed.delete(cancel)
      fire()
    })
    const cancel = (): void => {
      this.#armed.delete(cancel)
      cancelTimer()
    }
    this.#armed.add(cancel)
    return cancel
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return this.#time.sleep(ms, signal)
  }

  /** Nothing that this process waited for happens any more. */
  die(): void {
    this.#isDead = true
    for (const cancel of [...this.#armed]) cancel()
  }
}
