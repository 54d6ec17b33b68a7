import type { Clock } from '../../lib/base/clock.ts'
import { type Deferred, deferred } from '../../lib/base/deferred.ts'
import type { Service } from '../../lib/base/service.ts'
import type { Broker, Consumer as Claims, Delivery, LeaseModule } from '../../lib/broker/broker.ts'
import { isSuspect } from '../../lib/broker/delivery-history.ts'
import { prefetchFor } from './prefetch.ts'

export interface ConsumerParts {
  readonly clock: Clock
  readonly broker: Broker
  readonly queues: readonly string[]
  /** Node name and a random part. */
  readonly owner: string
  readonly concurrency: number
  /** `workerPrefetchMultiplier`. */
  readonly multiplier: number
  /** `workerPrefetchSize`. */
  readonly prefetchBytes: number
  /** Of a message's body: `taskMaxMessageSize`. */
  readonly maxBodyBytes: number
  readonly leaseMs: number
  /** Whether memory is short; asked before each start. */
  readonly isShort: (delivery: Delivery) => boolean
  /** Keeps the claims alive from now on; undefined where none can lapse. */
  readonly keepLease: (lease: LeaseModule | undefined) => Promise<void>
  /** Takes a delivery as far as its slot is needed; no promise where that has been done on return. Never throws or rejects. */
  readonly work: (delivery: Delivery) => void | Promise<void>
  /** Gets back what was claimed and not started. */
  readonly onUnstarted: (delivery: Delivery) => void
  /**
   * Gives a delivery back for a moment, that may be what its workers died of, because another such one is here; resolves when that is
   * stored, never rejects.
   */
  readonly onPutOff: (delivery: Delivery) => Promise<void>
  /** Nothing runs and nothing waits. */
  readonly onIdle: () => void
  /** A claim round failed; the next comes by itself. */
  readonly onError: (error: Error) => void
}

/** How long tasks that end on return are started one after the other before the event loop gets a turn: endings are stored in it. */
const stretchMs = 10
/** How much the newest run time counts in the recent one. */
const newestShare = 0.05

/** Claims deliveries, no more than can start soon, and starts them as slots become free. */
export class Consumer implements Service {
  readonly #parts: ConsumerParts
  #claims: Claims | undefined
  #isStopping = false
  #running = 0
  /** Claimed and not started; taken from `#head` on. */
  #waiting: Delivery[] = []
  #head = 0
  #runtimeMs: number | undefined
  #prefetch: number
  #idle: Deferred<void> | undefined
  /** Memory is short: one at a time, since with none at all nothing would make room. */
  #isSqueezed = false
  /** In the loop that starts what fits: what comes meanwhile is started by that. */
  #isStarting = false
  /** A delivery that may be what its workers died of is here; more are put off, so that it takes none of them with it. */
  #hasSuspect = false

  constructor(parts: ConsumerParts) {
    this.#parts = parts
    this.#prefetch = this.#wantedPrefetch()
  }

  async start(): Promise<void> {
    const { broker, queues, owner, prefetchBytes, maxBodyBytes, leaseMs, onError, keepLease } = this.#parts
    this.#claims = await broker.consume(queues, {
      owner,
      prefetch: this.#prefetch,
      prefetchBytes,
      // Escaped in its envelope a body of JSON takes up to twice its size, and headers and the rest some more.
      maxBytes: 2 * maxBodyBytes + 1024 * 1024,
      leaseMs,
      onDeliveries: (batch) => this.#take(batch),
      onError,
    })
    await keepLease(this.#claims.lease)
    await this.#claims.start()
  }

  /** Claims nothing more and hands back what has not started. What runs goes on: see {@link idle}. */
  async stop(): Promise<void> {
    this.#isStopping = true
    const unstarted = this.#waiting.slice(this.#head)
    this.#waiting = []
    this.#head = 0
    for (const delivery of unstarted) this.#parts.onUnstarted(delivery)
    await this.#claims?.stop()
  }

  /** Deliveries whose work holds a slot. */
  get running(): number {
    return this.#running
  }

  /** Resolves when nothing holds a slot. */
  async idle(): Promise<void> {
    if (this.#running === 0) return
    this.#idle ??= deferred()
    await this.#idle.promise
  }

  /** Memory is short, or is so no more: while it is, one delivery is held at a time. */
  squeeze(isShort: boolean): void {
    this.#isSqueezed = isShort
    this.#claims?.setPrefetch(isShort ? 1 : this.#prefetch)
    if (!isShort && !this.#isStopping) this.#startWhatFits()
  }

  /** Told how long a task ran, ms: the shorter, the more is held ahead. */
  ran(runtimeMs: number): void {
    this.#runtimeMs =
      this.#runtimeMs === undefined ? runtimeMs : this.#runtimeMs + (runtimeMs - this.#runtimeMs) * newestShare
    const wanted = this.#wantedPrefetch()
    // A tenth more or less changes nothing; every task would otherwise set a prefetch of its own.
    if (Math.abs(wanted - this.#prefetch) * 10 < this.#prefetch) return
    this.#prefetch = wanted
    if (!this.#isSqueezed) this.#claims?.setPrefetch(wanted)
  }

  #wantedPrefetch(): number {
    const { concurrency, multiplier } = this.#parts
    return prefetchFor({ concurrency, multiplier, runtimeMs: this.#runtimeMs })
  }

  #take(batch: readonly Delivery[]): void {
    if (this.#isStopping) for (const delivery of batch) this.#parts.onUnstarted(delivery)
    else {
      const suspects = batch.filter(isSuspect)
      for (const delivery of batch) if (suspects.length === 0 || !isSuspect(delivery)) this.#waiting.push(delivery)
      if (suspects.length > 0) void this.#takeSuspects(suspects) // never rejects
      this.#startWhatFits()
    }
  }

  /** At most one at a time, and only when the others are safe in the store. */
  async #takeSuspects(suspects: readonly Delivery[]): Promise<void> {
    const [first, ...others] = this.#hasSuspect ? [undefined, ...suspects] : suspects
    if (first !== undefined) this.#hasSuspect = true
    await Promise.all(others.map((delivery) => this.#parts.onPutOff(delivery!)))
    if (first === undefined) return
    if (this.#isStopping) {
      this.#parts.onUnstarted(first)
      return
    }
    this.#waiting.push(first)
    this.#startWhatFits()
  }

  #startWhatFits(): void {
    if (this.#isStarting) return
    const { concurrency, work, clock } = this.#parts
    const since = clock.monotonic()
    this.#isStarting = true
    while (this.#running < concurrency && this.#head < this.#waiting.length) {
      if (clock.monotonic() - since >= stretchMs) {
        this.#goOnLater()
        return
      }
      if (this.#parts.isShort(this.#waiting[this.#head]!) && this.#running > 0) break
      const delivery = this.#waiting[this.#head++]!
      this.#running++
      const working = work(delivery)
      if (working === undefined) this.#left(delivery)
      else void working.then(isSuspect(delivery) ? this.#suspectEnded : this.#ended) // never rejects, and `idle` waits for it
    }
    this.#isStarting = false
    if (this.#head > 0 && this.#head === this.#waiting.length) {
      this.#waiting = []
      this.#head = 0
    }
    if (this.#running > 0) return
    this.#parts.onIdle()
    this.#idle?.resolve()
    this.#idle = undefined
  }

  #goOnLater(): void {
    setImmediate(() => {
      this.#isStarting = false
      this.#startWhatFits()
    })
  }

  /** It ended before its work returned. */
  #left(delivery: Delivery): void {
    this.#running--
    if (isSuspect(delivery)) this.#hasSuspect = false
  }

  readonly #suspectEnded = (): void => {
    this.#hasSuspect = false
    this.#ended()
  }

  readonly #ended = (): void => {
    this.#running--
    this.#startWhatFits()
  }
}
