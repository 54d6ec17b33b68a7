import { retryDelay } from '../../base/backoff.ts'
import type { Clock } from '../../base/clock.ts'
import type { RedisServer } from '../../driver/redis/redis-server.ts'
import type { RedisKeys } from './redis-keys.ts'
import { promoteDue } from './scripts/promote-due.ts'

export interface RedisDueParts {
  readonly server: RedisServer
  readonly keys: RedisKeys
  readonly clock: Clock
  readonly onPromoted: () => void
  readonly onError: (error: Error) => void
}

/** How often everybody looks for due messages: from this to twice this, so that they don't look at once. */
const lookMs = 1_000
/** More would hold up everybody else's commands. */
const atOnce = 500

/** Makes parked messages ready when their time has come. Every consuming process does it; whoever is first does it once. */
export class RedisDue {
  readonly #parts: RedisDueParts
  #isRunning = false
  #isLooking = false
  #cancel: (() => void) | undefined
  /** When the next look is due, on the monotonic clock. */
  #armedFor = Number.POSITIVE_INFINITY

  constructor(parts: RedisDueParts) {
    this.#parts = parts
  }

  start(): void {
    if (this.#isRunning) return
    this.#isRunning = true
    void this.#look() // never rejects
  }

  stop(): void {
    this.#isRunning = false
    this.#cancel?.()
    this.#armedFor = Number.POSITIVE_INFINITY
  }

  /** Something is due then, ms since the epoch by the server's clock. */
  expect(dueMs: number): void {
    this.#arm(Math.max(0, dueMs - this.#parts.server.serverNow()) + 1)
  }

  async #look(): Promise<void> {
    if (this.#isLooking) return
    this.#isLooking = true
    this.#armedFor = Number.POSITIVE_INFINITY
    const { server, keys, onPromoted, onError } = this.#parts
    try {
      const { unacked, unackedIndex, due, duePrefix } = keys
      const { count, nextDueMs } = await promoteDue.run(
        server,
        { unacked, unackedIndex, due },
        { duePrefix, limit: atOnce },
        { what: 'look for due messages' },
      )
      if (count > 0) onPromoted()
      if (nextDueMs !== undefined) this.expect(nextDueMs)
    } catch (error) {
      onError(error instanceof Error ? error : new Error(String(error)))
    }
    this.#isLooking = false
    this.#arm(lookMs + retryDelay(0, { firstMs: lookMs, maxMs: lookMs, jitter: true }))
  }

  /** Keeps the earlier one of two. */
  #arm(ms: number): void {
    const at = this.#parts.clock.monotonic() + ms
    if (!this.#isRunning || at >= this.#armedFor) return
    this.#cancel?.()
    this.#armedFor = at
    this.#cancel = this.#parts.clock.timer(ms, () => void this.#look())
  }
}
