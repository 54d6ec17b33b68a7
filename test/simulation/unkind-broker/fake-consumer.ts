import { retryDelay } from '../../../lib/base/backoff.ts'
import type { Clock } from '../../../lib/base/clock.ts'
import { InvalidCall } from '../../../lib/base/errors.ts'
import type { ConsumeOptions, Consumer, Delivery } from '../../../lib/broker/broker.ts'
import { decodeEnvelope } from '../../../lib/broker/envelope.ts'
import type { FakeEntry, FakeOwner } from './fake-messages.ts'
import type { Looker } from './fake-store.ts'
import type { Link } from './link.ts'

export interface FakeConsumerParts {
  readonly link: Link
  readonly queues: readonly string[]
  readonly options: ConsumeOptions
  readonly clock: Clock
  readonly yieldsDue: boolean
  readonly onClaimed: (token: number, consumer: FakeConsumer) => void
  readonly onStopping: (consumer: FakeConsumer) => void
}

/** How long, and for how long after it gave something back, a consumer that `yieldsDue` leaves to others what becomes due. */
const yieldDueMs = 250
const yieldsForMs = 60_000

/** One consumption of a fake broker. */
export class FakeConsumer implements Consumer, Looker {
  readonly lease = undefined
  readonly owner: FakeOwner
  lastRoundTrip: number
  readonly #parts: FakeConsumerParts
  readonly #leaseMs: number
  #prefetch: number
  #unsettled = 0
  /** What is held, and its size. */
  readonly #sizes = new Map<number, number>()
  /** What comes next has no room before something held is gone. */
  #isFull = false
  #isStopped = false
  #isHanging = false
  #isWoken = false
  #claiming: Promise<void> | undefined
  #failures = 0
  #turn = 0
  #cancelLapse: (() => void) | undefined
  #cancelRetry: (() => void) | undefined
  #cancelYield: (() => void) | undefined
  /** On the monotonic clock. */
  #yieldsUntil = Number.NEGATIVE_INFINITY

  constructor(parts: FakeConsumerParts) {
    this.#parts = parts
    this.owner = { name: parts.options.owner }
    this.#prefetch = checked(parts.options.prefetch)
    this.#leaseMs = parts.options.leaseMs ?? 10_000
    this.lastRoundTrip = parts.clock.monotonic()
  }

  async start(): Promise<void> {}

  async stop(): Promise<void> {
    this.#isStopped = true
    this.#cancelRetry?.()
    this.#cancelYield?.()
    this.#parts.onStopping(this)
    await this.#claiming
  }

  setPrefetch(prefetch: number): void {
    this.#prefetch = checked(prefetch)
    this.look()
  }

  get prefetch(): number {
    return this.#prefetch
  }

  get unsettled(): number {
    return this.#unsettled
  }

  /** Nobody hears of its process any more: its lease runs out, unless {@link heard} comes before. */
  silent(withinMs = this.#leaseMs): void {
    const { link } = this.#parts
    this.#cancelLapse?.()
    this.#cancelLapse = link.store.clock.timer(Math.floor(withinMs), () =>
      link.store.act(() => link.store.messages.recover(this.owner)),
    )
  }

  heard(): void {
    this.#cancelLapse?.()
    this.#cancelLapse = undefined
    this.look()
  }

  /** For the exam: its process hangs. What it returns wakes it up. */
  hang(): () => void {
    this.#isHanging = true
    this.silent()
    return () => {
      this.#isHanging = false
      this.heard()
    }
  }

  get queues(): readonly string[] {
    return this.#parts.queues
  }

  /** It could not use something that it was given. */
  gaveBack(): void {
    if (this.#parts.yieldsDue) this.#yieldsUntil = this.#parts.clock.monotonic() + yieldsForMs
  }

  get leaseMs(): number {
    return this.#leaseMs
  }

  released(token: number): void {
    this.#unsettled--
    this.#sizes.delete(token)
    this.#isFull = false
    this.look()
  }

  /** Claims if there is room and something to claim. */
  look(): void {
    if (this.#room() === 0 || !this.#isSomethingThere()) return
    if (this.#claiming !== undefined || this.#cancelRetry !== undefined) {
      this.#isWoken = true
      return
    }
    this.#claiming = this.#claim()
  }

  #room(): number {
    return this.#isStopped || this.#isHanging || this.#isFull ? 0 : Math.max(0, this.#prefetch - this.#unsettled)
  }

  #isSomethingThere(): boolean {
    const { link, queues, clock } = this.#parts
    const { messages } = link.store
    const yieldsMs = clock.monotonic() < this.#yieldsUntil ? yieldDueMs : 0
    const waitMs = (messages.earliestDue ?? Number.POSITIVE_INFINITY) + yieldsMs - link.store.clock.now()
    if (waitMs <= 0 || queues.some((queue) => messages.waiting(queue, this.owner).length > 0)) return true
    if (waitMs > yieldsMs) return false
    this.#cancelYield ??= clock.timer(waitMs, () => {
      this.#cancelYield = undefined
      this.look()
    })
    return false
  }

  async #claim(): Promise<void> {
    const { link, clock, options, onClaimed } = this.#parts
    // After the promises of this turn, so that all consumers of it look before the first claims.
    await undefined
    this.#isWoken = false
    let taken: readonly Taken[] = []
    try {
      taken = await link.ask({ asked: 'claim', act: () => this.#take() })
      this.#failures = 0
    } catch (error) {
      this.#claiming = undefined
      if (this.#isStopped) return
      options.onError(error as Error)
      const wait = retryDelay(this.#failures++, { firstMs: 100, maxMs: 5_000 })
      this.#cancelRetry = clock.timer(wait, () => {
        this.#cancelRetry = undefined
        this.look()
      })
      return
    }
    this.#claiming = undefined
    this.lastRoundTrip = clock.monotonic()
    this.#unsettled += taken.length
    for (const { delivery, bytes } of taken) {
      const { token } = delivery.claim
      this.#sizes.set(token, bytes)
      onClaimed(token, this)
    }
    if (taken.length > 0) options.onDeliveries(taken.map(({ delivery }) => delivery))
    if (taken.length > 0 || this.#isWoken) this.look()
  }

  /** At the store. Queues in turn, one message each, as long as there are any; unkind: in any order, and not always all. */
  #take(): Taken[] {
    const { link, queues, options } = this.#parts
    const { messages } = link.store
    const chaos = link.network?.chaos
    if (link.network?.host.isDead) return []
    messages.promote()
    const room = chaos === undefined || chaos.random.chance(0.7) ? this.#room() : chaos.random.between(1, this.#room())
    const start = chaos === undefined ? this.#turn++ : chaos.random.between(0, queues.length - 1)
    const lines = queues
      .map((_, index) => messages.waiting(queues[(start + index) % queues.length]!, this.owner))
      .filter((line) => line.length > 0)
    const taken: Taken[] = []
    let bytesLeft = options.prefetchBytes ?? Number.POSITIVE_INFINITY
    for (const bytes of this.#sizes.values()) bytesLeft -= bytes
    while (taken.length < room && lines.some((line) => line.length > 0))
      for (const line of lines) {
        const entry = taken.length < room ? line.shift() : undefined
        if (entry === undefined) continue
        const bytes = entry.envelope.length
        const isAlone = this.#sizes.size + taken.length === 0
        if (bytes > bytesLeft && !isAlone) {
          // Nothing smaller behind it is taken in its place.
          this.#isFull = true
          return taken
        }
        bytesLeft -= bytes
        messages.claim(entry, this.owner)
        taken.push({ delivery: deliveryOf(entry), bytes })
      }
    return taken
  }
}

interface Taken {
  readonly delivery: Delivery
  readonly bytes: number
}

function deliveryOf(entry: FakeEntry): Delivery {
  const { key, token, queue, losses, returns, firstReturnedAt, wasDelivered } = entry
  const { message, route } = decodeEnvelope(entry.envelope, queue)
  return {
    claim: { key, token, queue },
    message,
    queue,
    route,
    redelivered: wasDelivered,
    losses,
    returns,
    firstReturnedAt,
  }
}

function checked(prefetch: number): number {
  if (Number.isSafeInteger(prefetch) && prefetch >= 0) return prefetch
  throw new InvalidCall(`prefetch must be a whole number, 0 or more, not ${prefetch}.`)
}
