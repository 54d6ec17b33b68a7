import { randomBytes } from 'node:crypto'
import { retryDelay } from '../../base/backoff.ts'
import type { Clock } from '../../base/clock.ts'
import { InvalidCall } from '../../base/errors.ts'
import type { Generation } from '../../driver/redis/redis-commands.ts'
import type { RedisServer } from '../../driver/redis/redis-server.ts'
import type { ConsumeOptions, Consumer, Delivery, LeaseModule } from '../broker.ts'
import { isSuspect } from '../delivery-history.ts'
import type { ClaimHolder, HeldMessage } from './held-message.ts'
import { type ReadMessage, readElement, sortDue } from './read-element.ts'
import type { RedisClaims } from './redis-claims.ts'
import { claimKeyPrefix, type RedisKeys } from './redis-keys.ts'
import { returnClaims } from './return-claims.ts'
import { type Claimed, claim } from './scripts/claim.ts'
import { markAlone } from './scripts/mark-alone.ts'
import { registerOwner } from './scripts/register-owner.ts'
import { type Ending, sideOf } from './scripts/settle.ts'
import { closingOf } from './unacked-entry.ts'

export interface RedisConsumerParts {
  readonly server: RedisServer
  readonly keys: RedisKeys
  readonly clock: Clock
  readonly claims: RedisClaims
  readonly queues: readonly string[]
  readonly options: ConsumeOptions
  readonly lease: (owner: string, leaseMs: number) => LeaseModule
  /** True when the server tells of new messages, so that they need not be looked for often. */
  readonly isTold: (generation: Generation) => boolean
  readonly onStopping: (consumer: RedisConsumer) => void
}

const defaultLeaseMs = 10_000
/** Wider claims hold up other commands, and Lua's stack has an end. */
const claimedAtOnce = 500
const claimedBytes = 32 * 1024 * 1024
/** How often to look where the server tells of new messages: for what it failed to tell. */
const watchMs = 1_000
/** The same where it doesn't tell. */
const lookMs = 40
/** How long one that gave back what it can't use leaves to others what comes, and for how long after. */
const yieldMs = 50
const yieldsForMs = 60_000

/** One consumption: claims what fits, when there is something, and hands it over. */
export class RedisConsumer implements Consumer, ClaimHolder {
  readonly owner = randomBytes(12).toString('base64url')
  readonly lease: LeaseModule
  lastRoundTrip: number
  readonly #parts: RedisConsumerParts
  readonly #leaseMs: number
  readonly #closings: readonly string[]
  #prefetch: number
  #unsettled = 0
  /** Of what is held. */
  #bytes = 0
  /** Claimed suspects that wait until nothing else is unsettled. */
  #waitingAlone: ReadMessage[] = []
  #alone: HeldMessage | undefined
  #generation: Generation | undefined
  #registeredOn: Generation | undefined
  #record = ''
  #registrations = 0
  #sequence = 0
  #turn = 0
  #failures = 0
  #isStopped = false
  #isWoken = false
  /** The last claim left room, and the server will tell of what is new. */
  #isDry = false
  #claiming: Promise<void> | undefined
  #cancelTimer: (() => void) | undefined
  #watched: ReadonlySet<string> | undefined
  /** On the monotonic clock. */
  #yieldsUntil = Number.NEGATIVE_INFINITY

  constructor(parts: RedisConsumerParts) {
    this.#parts = parts
    this.#prefetch = checkedPrefetch(parts.options.prefetch)
    this.#leaseMs = parts.options.leaseMs ?? defaultLeaseMs
    this.#closings = parts.queues.map(closingOf)
    this.lastRoundTrip = parts.clock.monotonic()
    this.lease = parts.lease(this.owner, this.#leaseMs)
  }

  /** Claiming has begun with `consume()`. */
  async start(): Promise<void> {}

  async stop(): Promise<void> {
    this.#isStopped = true
    this.#cancelTimer?.()
    this.#parts.onStopping(this)
    await this.#claiming
    // What waits for its turn never had one.
    const waiting = [...this.#waitingAlone]
    await this.#parts.claims
      .settle(waiting.map(({ delivery }) => ({ claim: delivery.claim, disposition: 'give-back' as const })))
      .catch((error: unknown) => this.#parts.options.onError(errorOf(error)))
  }

  setPrefetch(prefetch: number): void {
    this.#prefetch = checkedPrefetch(prefetch)
    this.#lookUnlessDry()
  }

  get unsettled(): number {
    return this.#unsettled
  }

  /** There is a new connection: everything about the old one is over. Resolves when the owner is known there. */
  connected(generation: Generation): void {
    this.#generation = generation
    this.look()
  }

  /** Makes the owner known; needless before claims, but then `consume()` says what is wrong. */
  async register(generation: Generation): Promise<void> {
    const { keys, claims, options } = this.#parts
    const isFirst = this.#registrations === 0
    // Another record each time: a claim that an old connection still brings is refused.
    this.#record = `${++this.#registrations} ${this.#leaseMs} ${options.owner}`
    const wasKnown = await registerOwner.run(
      generation,
      { owner: keys.owner(this.owner), owners: keys.owners },
      { id: this.owner, record: this.#record, leaseMs: this.#leaseMs },
    )
    if (!isFirst) {
      // What a lost reply would have brought goes back; after a declared death everything does.
      const isOurs = wasKnown ? (key: string) => claims.has(key) : () => false
      await returnClaims({ keys, target: generation, now: this.#parts.server.serverNow() }, this.owner, {
        isKept: isOurs,
        isLoss: !wasKnown,
      })
    }
    this.#registeredOn = generation
  }

  released(held: HeldMessage): void {
    const waiting = this.#waitingAlone.findIndex((each) => each.held === held)
    if (waiting >= 0) this.#waitingAlone.splice(waiting, 1)
    else this.#unsettled--
    this.#bytes -= held.bytes
    if (this.#alone === held) this.#alone = undefined
    this.#nextAlone()
    this.#lookUnlessDry()
  }

  gaveBack(): void {
    this.#yieldsUntil = this.#parts.clock.monotonic() + yieldsForMs
  }

  /** True when a change of one of these keys may mean something to claim. */
  concerns(changed: readonly string[]): boolean {
    const { keys, queues } = this.#parts
    this.#watched ??= new Set([keys.paused, ...queues.flatMap((queue) => keys.lists(queue))])
    return changed.some((key) => this.#watched!.has(key))
  }

  /** Tells whoever consumes that something about claiming failed. */
  failed(error: unknown): void {
    if (!this.#isStopped) this.#parts.options.onError(errorOf(error))
  }

  /** The server tells that there may be something. */
  wake(): void {
    if (this.#parts.clock.monotonic() < this.#yieldsUntil) this.#arm(yieldMs)
    else this.look()
  }

  /** Claims, if there is room. */
  look(): void {
    this.#isDry = false
    if (this.#room === 0 || this.#generation === undefined) return
    if (this.#claiming !== undefined) this.#isWoken = true
    else {
      this.#cancelTimer?.()
      this.#claiming = this.#claim(this.#generation)
    }
  }

  /** After a claim that left room, the server tells of what is new; asking again would find nothing. */
  #lookUnlessDry(): void {
    if (!this.#isDry) this.look()
  }

  get #roomBytes(): number {
    return (this.#parts.options.prefetchBytes ?? Number.MAX_SAFE_INTEGER) - this.#bytes
  }

  get #room(): number {
    if (this.#roomBytes <= 0 && this.#unsettled > 0) return 0
    if (this.#isStopped || this.#alone !== undefined || this.#waitingAlone.length > 0) return 0
    return Math.max(0, Math.min(claimedAtOnce, this.#prefetch - this.#unsettled))
  }

  /** One round, and what follows from it. Never rejects. */
  async #claim(generation: Generation): Promise<void> {
    const { clock } = this.#parts
    this.#isWoken = false
    this.#isDry = false
    // Together with what else this turn of the event loop settles.
    await Promise.resolve()
    let next: 'at once' | 'wait' = 'wait'
    try {
      next = await this.#claimOnce(generation)
      this.#failures = 0
      this.lastRoundTrip = clock.monotonic()
    } catch (error) {
      this.#claiming = undefined
      this.#roundFailed(generation, error)
      return
    }
    this.#claiming = undefined
    if (this.#isWoken || next === 'at once') this.look()
    else if (this.#room > 0) this.#arm(this.#pauseMs(generation))
  }

  async #claimOnce(generation: Generation): Promise<'at once' | 'wait'> {
    if (this.#registeredOn !== generation) await this.register(generation)
    const room = this.#room
    if (room === 0) return 'wait'
    const sequence = this.#sequence
    this.#sequence += room
    const queues = this.#nextTurn()
    const claimed = await this.#run(generation, { room, sequence, queues })
    if (claimed === undefined) {
      this.#registeredOn = undefined
      return 'at once'
    }
    await this.#handOver(claimed, sequence, queues)
    if (claimed.isMore) return claimed.elements.length > 0 ? 'at once' : 'wait'
    if (claimed.elements.length === room) return 'at once'
    this.#isDry = this.#parts.isTold(generation)
    return 'wait'
  }

  async #run(
    generation: Generation,
    { room, sequence, queues }: { room: number; sequence: number; queues: readonly number[] },
  ): Promise<Claimed | undefined> {
    const { keys, isTold } = this.#parts
    const { unacked, unackedIndex, suspects, token: tokens, paused: pausedQueues } = keys
    const { maxBytes = Number.MAX_SAFE_INTEGER } = this.#parts.options
    const call = claim.call(
      {
        unacked,
        unackedIndex,
        claims: keys.claims(this.owner),
        owner: keys.owner(this.owner),
        tokens,
        suspects,
        pausedQueues,
      },
      {
        record: this.#record,
        keyPrefix: this.#keyPrefix,
        sequence,
        room,
        roomBytes: Math.min(claimedBytes, Math.max(0, this.#roomBytes)),
        isEmpty: this.#unsettled === 0 ? 1 : 0,
        maxBytes,
      },
      {
        restKeys: this.#listsOf(queues),
        restArgs: queues.flatMap((index) => [this.#parts.queues[index]!, this.#closings[index]!]),
      },
    )
    const calls = isTold(generation) ? [{ name: 'CLIENT', args: ['CACHING', 'YES'] }, call] : [call]
    const reply = (await generation.pipeline(calls, { buffers: true, what: 'claim messages' })).at(-1)
    if (reply instanceof Error) throw reply
    return claim.reply(reply)
  }

  /** The lists of one step of priority after those of another: priority goes before the order of queues. */
  #listsOf(queues: readonly number[]): string[] {
    const { keys } = this.#parts
    const lists = queues.map((index) => keys.lists(this.#parts.queues[index]!))
    return keys.layout.prioritySteps.flatMap((_, step) => lists.map((ofQueue) => ofQueue[step]!))
  }

  /** The queues in the order in which they are to be served this time. */
  #nextTurn(): number[] {
    const { length } = this.#parts.queues
    const first = this.#turn++ % length
    return Array.from({ length }, (_, index) => (first + index) % length)
  }

  get #keyPrefix(): string {
    return `${claimKeyPrefix}${this.owner}:`
  }

  async #handOver(claimed: Claimed, sequence: number, queues: readonly number[]): Promise<void> {
    const { claims } = this.#parts
    const messages: ReadMessage[] = []
    const endings: Ending[] = []
    const lists = this.#listsOf(queues)
    const about = { keys: this.#parts.keys, holder: this, nowMs: claimed.nowMs }
    claimed.elements.forEach(({ element, list: at }, index) => {
      const key = `${this.#keyPrefix}${sequence + index + 1}`
      const queue = this.#parts.queues[queues[at % queues.length]!]!
      const read = readElement(element, { key, token: claimed.token + index, list: lists[at]!, queue }, about)
      if ('what' in read) endings.push(read)
      else messages.push(read)
    })
    sortDue(messages)
    for (const { held } of messages) {
      claims.add(held)
      this.#bytes += held.bytes
    }
    this.#deliver(messages)
    if (endings.length === 0) return
    try {
      await claims.end(this.owner, endings)
    } catch (error) {
      // Nobody knows of these claims now; registering again returns them.
      this.#registeredOn = undefined
      throw error
    }
  }

  #deliver(items: readonly ReadMessage[]): void {
    const trusted = items.filter(({ delivery }) => !isSuspect(delivery))
    if (trusted.length < items.length) this.#waitingAlone.push(...items.filter((item) => !trusted.includes(item)))
    this.#hand(trusted.map(({ delivery }) => delivery))
    this.#nextAlone()
  }

  #hand(deliveries: readonly Delivery[]): void {
    if (deliveries.length === 0) return
    this.#unsettled += deliveries.length
    try {
      this.#parts.options.onDeliveries(deliveries)
    } catch (error) {
      this.#parts.options.onError(errorOf(error))
    }
  }

  /** Hands over the next suspect once nothing else is unsettled, and nothing more until it is settled. */
  #nextAlone(): void {
    const next = this.#waitingAlone[0]
    if (next === undefined || this.#unsettled > 0 || this.#alone !== undefined || this.#isStopped) return
    this.#waitingAlone.shift()
    this.#alone = next.held
    void this.#runAlone(next)
  }

  /** Never rejects. */
  async #runAlone({ held, delivery }: ReadMessage): Promise<void> {
    const { keys } = this.#parts
    try {
      // Written first: only the loss of a delivery that ran alone counts against it.
      await markAlone.run(
        this.#parts.server,
        { claims: keys.claims(this.owner) },
        { key: held.key, side: sideOf(held.list), marked: sideOf(held.list, true) },
      )
    } catch (error) {
      this.#parts.options.onError(errorOf(error))
    }
    this.#hand([delivery])
  }

  #roundFailed(generation: Generation, error: unknown): void {
    if (this.#isStopped) return
    // Of the replies that are lost, nobody knows what they held.
    this.#registeredOn = undefined
    if (generation === this.#generation && generation.isOver) this.#generation = undefined
    this.#parts.options.onError(errorOf(error))
    if (this.#generation !== undefined)
      this.#arm(retryDelay(this.#failures++, { firstMs: 100, maxMs: 5_000, jitter: true }))
  }

  #pauseMs(generation: Generation): number {
    const firstMs = this.#parts.isTold(generation) ? watchMs : lookMs
    return firstMs + retryDelay(0, { firstMs, maxMs: firstMs, jitter: true })
  }

  #arm(ms: number): void {
    this.#cancelTimer?.()
    if (!this.#isStopped) this.#cancelTimer = this.#parts.clock.timer(ms, () => this.look())
  }
}

function checkedPrefetch(prefetch: number): number {
  if (Number.isSafeInteger(prefetch) && prefetch >= 0) return prefetch
  throw new InvalidCall(`prefetch must be a whole number, 0 or more, not ${prefetch}.`)
}

function errorOf(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}
