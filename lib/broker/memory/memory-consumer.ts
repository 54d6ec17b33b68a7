import type { Clock } from '../../base/clock.ts'
import { InvalidCall } from '../../base/errors.ts'
import { microtask } from '../../base/microtask.ts'
import type { ConsumeOptions, Consumer, Delivery } from '../broker.ts'
import type { ClaimRoom } from './memory-messages.ts'
import type { MemoryQueue } from './memory-queue.ts'

/** What a consumer was given. */
export interface ClaimedInMemory {
  readonly deliveries: readonly Delivery[]
  readonly bytes: number
}

export interface MemoryConsumerParts {
  readonly clock: Clock
  readonly options: ConsumeOptions
  readonly queues: readonly MemoryQueue[]
  /** Claims as many as there is room for, or as there are. */
  readonly claim: (consumer: MemoryConsumer, room: ClaimRoom) => ClaimedInMemory
  /** The lease has lapsed: its claims go back. */
  readonly onLapsed: (consumer: MemoryConsumer) => void
  readonly onStopping: (consumer: MemoryConsumer) => void
}

/** One consumption in memory. Its lease renews itself, since one process can't outlive itself, unless a test makes it hang. */
export class MemoryConsumer implements Consumer {
  readonly lease = undefined
  lastRoundTrip: number
  readonly #parts: MemoryConsumerParts
  readonly #leaseMs: number
  #prefetch: number
  #unsettled = 0
  #bytes = 0
  #isStopped = false
  #isHanging = false
  #isScheduled = false
  #turn = 0
  #cancelLapse: (() => void) | undefined

  constructor(parts: MemoryConsumerParts) {
    this.#parts = parts
    this.#prefetch = checkedPrefetch(parts.options.prefetch)
    this.#leaseMs = parts.options.leaseMs ?? 10_000
    this.lastRoundTrip = parts.clock.monotonic()
  }

  /** Claiming has begun with `consume()`. */
  async start(): Promise<void> {}

  async stop(): Promise<void> {
    this.#isStopped = true
    this.#cancelLapse?.()
    this.#parts.onStopping(this)
  }

  setPrefetch(prefetch: number): void {
    this.#prefetch = checkedPrefetch(prefetch)
    this.look()
  }

  get unsettled(): number {
    return this.#unsettled
  }

  /** The queues in the order in which they are to be served this time. */
  nextTurn(): readonly MemoryQueue[] {
    const { queues } = this.#parts
    this.#turn = (this.#turn + 1) % queues.length
    return [...queues.slice(this.#turn), ...queues.slice(0, this.#turn)]
  }

  /**
   * For tests: from now on it behaves as a process that hangs; it claims nothing, and its lease lapses when its time is up.
   * What it returns wakes it up.
   */
  hang(): () => void {
    this.#isHanging = true
    this.#cancelLapse = this.#parts.clock.timer(this.#leaseMs, () => this.#parts.onLapsed(this))
    return () => {
      this.#isHanging = false
      this.#cancelLapse?.()
      this.look()
    }
  }

  /** A delivery of this consumer has been settled, or is lost. */
  released(bytes: number): void {
    this.#unsettled--
    // What was lost meanwhile is not known any more.
    this.#bytes = this.#unsettled === 0 ? 0 : Math.max(0, this.#bytes - bytes)
    this.look()
  }

  /** Claims after the promises of this turn, if there is room. */
  look(): void {
    if (this.#isScheduled || this.#room() === 0) return
    this.#isScheduled = true
    microtask(() => {
      this.#isScheduled = false
      this.#claim()
    })
  }

  #room(): number {
    return this.#isStopped || this.#isHanging ? 0 : Math.max(0, this.#prefetch - this.#unsettled)
  }

  #claim(): void {
    const { clock, claim, options } = this.#parts
    this.lastRoundTrip = clock.monotonic()
    const most = options.prefetchBytes ?? Number.POSITIVE_INFINITY
    const room = { count: this.#room(), bytes: most - this.#bytes, isEmpty: this.#unsettled === 0 }
    const { deliveries, bytes } = claim(this, room)
    if (deliveries.length === 0) return
    this.#unsettled += deliveries.length
    this.#bytes += bytes
    try {
      options.onDeliveries(deliveries)
    } catch (error) {
      options.onError(error instanceof Error ? error : new Error(String(error)))
    }
  }
}

function checkedPrefetch(prefetch: number): number {
  if (Number.isSafeInteger(prefetch) && prefetch >= 0) return prefetch
  throw new InvalidCall(`prefetch must be a whole number, 0 or more, not ${prefetch}.`)
}
