import { retryDelay } from '../../base/backoff.ts'
import { InvalidCall } from '../../base/errors.ts'
import type { SqliteStore } from '../../driver/sqlite/sqlite-store.ts'
import type { ConsumeOptions, Consumer, Delivery, LeaseModule } from '../broker.ts'
import { claimableQueues } from './claim-rows.ts'
import { earliestDue } from './message-rows.ts'
import type { SqliteLeaseData } from './sqlite-lease.ts'

export interface SqliteConsumerParts {
  readonly store: SqliteStore
  readonly options: ConsumeOptions
  /** Numbers of the queues. */
  readonly queues: readonly number[]
  /** The number under which it claims; another after it was declared dead. */
  readonly owner: number
  /** Claims as much as {@link SqliteConsumer.capacity} allows and hands it over; how many. */
  readonly claim: (consumer: SqliteConsumer) => Promise<number>
  readonly onStopping: (consumer: SqliteConsumer) => void
}

/** Due times further away than this are left to the look of every second or two. */
const nearMs = 2_500
/** How long a consumer that gave messages back, since it can't use them, leaves to others what becomes due, and for how long after. */
const yieldMs = 250
const yieldsForMs = 60_000

/** One consumption of an embedded store: knows when to claim and how much; the claiming itself is the broker's. */
export class SqliteConsumer implements Consumer {
  owner: number
  lastRoundTrip: number
  readonly lease: LeaseModule
  readonly #parts: SqliteConsumerParts
  readonly #stopListening: () => void
  #prefetch: number
  #unsettled = 0
  #bytes = 0
  #isStopped = false
  #claiming: Promise<void> | undefined
  #isWoken = false
  #failures = 0
  #cancelTimer: (() => void) | undefined
  /** On the monotonic clock. */
  #yieldsUntil = Number.NEGATIVE_INFINITY
  /** Which queue is served first; moves on with every claim, so that none starves. */
  #turn = 0

  constructor(parts: SqliteConsumerParts) {
    const { store, options } = parts
    this.#parts = parts
    this.owner = parts.owner
    this.lastRoundTrip = store.clock.monotonic()
    this.#prefetch = checkedPrefetch(options.prefetch)
    const data: SqliteLeaseData = { path: store.path, owner: options.owner }
    const renewEveryMs = Math.min(3_000, (options.leaseMs ?? 10_000) * 0.3)
    this.lease = { url: leaseUrl(), data, renewEveryMs }
    this.#stopListening = store.onChange((change) => {
      if (change === 'messages' || change === 'anything') this.look()
    })
  }

  /** Claiming has begun with `consume()`. */
  async start(): Promise<void> {}

  async stop(): Promise<void> {
    this.#isStopped = true
    this.#stopListening()
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
    this.#parts.onStopping(this)
    await this.#claiming
  }

  /** Tells whoever consumes that something about claiming failed. */
  failed(error: unknown): void {
    if (!this.#isStopped) this.#parts.options.onError(errorOf(error))
  }

  setPrefetch(prefetch: number): void {
    this.#prefetch = checkedPrefetch(prefetch)
    this.look()
  }

  get unsettled(): number {
    return this.#unsettled
  }

  /** How large a message may be to be read at all. */
  get maxBytes(): number {
    return this.#parts.options.maxBytes ?? Number.POSITIVE_INFINITY
  }

  /** What of `prefetchBytes` is left. */
  roomInBytes(): { readonly bytes: number; readonly isEmpty: boolean } {
    const most = this.#parts.options.prefetchBytes ?? Number.POSITIVE_INFINITY
    return { bytes: Math.max(0, most - this.#bytes), isEmpty: this.#bytes === 0 }
  }

  /** How many more it may hold, once so many are settled that are not counted yet. */
  capacity(settled = 0): number {
    if (this.#isStopped || this.roomInBytes().bytes === 0) return 0
    return Math.max(0, this.#prefetch - this.#unsettled + settled)
  }

  /** The queues in the order in which they are to be served this time. */
  nextTurn(): readonly number[] {
    const { queues } = this.#parts
    this.#turn = (this.#turn + 1) % queues.length
    return [...queues.slice(this.#turn), ...queues.slice(0, this.#turn)]
  }

  /** It can't use something that it was given. Others are first at what becomes due for a while, or it would take that again and again. */
  gaveBack(): void {
    this.#yieldsUntil = this.#parts.store.clock.monotonic() + yieldsForMs
  }

  /** Deliveries of this consumer have been settled, or lost. */
  released(count: number): void {
    this.#unsettled -= count
    this.look()
  }

  /** Bytes of deliveries that have been settled, or lost; before {@link released}. */
  releasedBytes(bytes: number): void {
    this.#bytes -= bytes
  }

  /** Hands over what was claimed. @param bytes of it that count */
  deliver(deliveries: readonly Delivery[], bytes: number): void {
    if (deliveries.length === 0) return
    this.#unsettled += deliveries.length
    this.#bytes += bytes
    try {
      this.#parts.options.onDeliveries(deliveries)
    } catch (error) {
      this.failed(error)
    }
  }

  /**
   * Claims if there is something to claim and room for it. Cheap when not.
   * @param expected how many more will be settled in the transaction that the claim is going to be in
   */
  look(expected = 0): void {
    if (this.capacity(expected) === 0) return
    if (this.#claiming !== undefined) {
      this.#isWoken = true
      return
    }
    try {
      if (!this.#isSomethingThere()) return
    } catch (error) {
      this.#retryAfter(error)
      return
    }
    this.#claiming = this.#claim()
  }

  /** Also sees to it that what becomes due soon is seen then. */
  #isSomethingThere(): boolean {
    const { store, queues } = this.#parts
    const due = store.readNow('look for messages', (database) => {
      if (claimableQueues(database, queues).length > 0) return Number.NEGATIVE_INFINITY
      const earliest = earliestDue(database)
      return earliest === undefined ? undefined : earliest + this.#yieldMs()
    })
    this.lastRoundTrip = store.clock.monotonic()
    const now = store.clock.now()
    if (due !== undefined && due <= now) return true
    if (due !== undefined && due < now + nearMs) this.#arm(due - now)
    return false
  }

  #yieldMs(): number {
    return this.#parts.store.clock.monotonic() < this.#yieldsUntil ? yieldMs : 0
  }

  async #claim(): Promise<void> {
    const { store } = this.#parts
    this.#isWoken = false
    let claimed = 0
    try {
      claimed = await this.#parts.claim(this)
      this.lastRoundTrip = store.clock.monotonic()
      this.#failures = 0
    } catch (error) {
      this.#claiming = undefined
      this.#retryAfter(error)
      return
    }
    this.#claiming = undefined
    // Nothing claimed although something was there: another process was faster, or it was promoted for another queue.
    if (claimed > 0 || this.#isWoken) this.look()
  }

  #retryAfter(error: unknown): void {
    if (this.#isStopped) return
    this.failed(error)
    this.#arm(retryDelay(this.#failures++, { firstMs: 100, maxMs: 5_000, jitter: true }))
  }

  #arm(ms: number): void {
    this.#cancelTimer?.()
    if (this.#isStopped) return
    this.#cancelTimer = this.#parts.store.clock.timer(ms, () => this.look())
  }
}

function checkedPrefetch(prefetch: number): number {
  if (Number.isSafeInteger(prefetch) && prefetch >= 0) return prefetch
  throw new InvalidCall(`prefetch must be a whole number, 0 or more, not ${prefetch}.`)
}

function errorOf(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}

function leaseUrl(): string {
  // Beside this file, in source and built alike.
  return new URL(`./sqlite-lease${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url).href
}
