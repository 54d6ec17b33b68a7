import { randomUUID } from 'node:crypto'
import type { Clock } from '../../base/clock.ts'
import { type Deferred, deferred } from '../../base/deferred.ts'
import { BrokerUnavailable, OutcomeUnknown } from '../../base/errors.ts'
import type { RedisCall, RedisCommands, RedisValue } from '../../driver/redis/redis-commands.ts'
import type { Outgoing } from '../broker.ts'
import { dueTime } from '../envelope.ts'
import type { Route } from '../queue.ts'
import { withMember } from './json-members.ts'
import { encodeKombuEnvelope, kombuPriority } from './kombu-envelope.ts'
import type { RedisKeys } from './redis-keys.ts'
import type { Destinations, RedisTopology } from './redis-topology.ts'
import { type Deed, deedArgs, listArgs } from './scripts/deeds.ts'
import { publish } from './scripts/publish.ts'

export interface RedisPublisherParts {
  readonly server: RedisCommands
  readonly keys: RedisKeys
  readonly topology: RedisTopology
  readonly clock: Clock
  /** How long a publication may take, ms. */
  readonly timeoutMs: number
  /** Replicas that must have it before it counts as stored. */
  readonly replicas: number
}

/** A message as it will be stored; nothing that its sender changes later changes it. */
export interface EncodedMessage {
  readonly envelope: string
  readonly deliveryTag: string
  readonly priority: number
  readonly route: Route
  /** ms since the epoch; undefined for at once. */
  readonly due: number | undefined
}

/** What one call wants stored. */
interface Request {
  readonly deeds: readonly Deed[]
  readonly bytes: number
  readonly done: Deferred<void>
}

/** Bytes in one script, and messages: more would hold up everybody else's commands. */
const flushBytes = 4 * 1024 * 1024
/** What may wait for the server, in bytes; more is refused. */
const bufferBytes = 64 * 1024 * 1024
/** Longer than any repeat of a flush comes after it. */
const markerSeconds = 120
/** Values of one push: Lua's stack has an end. */
const pushedAtOnce = 1_000

/** Stores messages: what is published in one turn of the event loop goes in one script, each call wholly or not at all. */
export class RedisPublisher {
  readonly #parts: RedisPublisherParts
  #gathered: Request[] = []
  #isScheduled = false
  #waitingBytes = 0
  readonly #underway = new Set<Promise<void>>()
  /** The last call that had to look up its route; those after it go after it. */
  #routing: Promise<unknown> | undefined

  constructor(parts: RedisPublisherParts) {
    this.#parts = parts
  }

  /** @throws {BrokerUnavailable, OutcomeUnknown, Unroutable, StoreFull, StoreUnusable, Unserializable, InvalidCall} */
  async publish(messages: readonly Outgoing[]): Promise<void> {
    if (messages.length === 0) return
    const encoded = this.encode(messages)
    if (this.#routing === undefined && encoded.every(isPlain)) return this.#gather(this.#pushes(encoded.map(plainly)))
    const deeds = this.deeds(encoded)
    const turn = Promise.allSettled([this.#routing, deeds])
    this.#routing = turn
    await turn
    if (this.#routing === turn) this.#routing = undefined
    return this.#gather(await deeds)
  }

  /** Resolves when nothing is on its way any more. */
  async flush(): Promise<void> {
    await this.#routing
    this.#send()
    await Promise.allSettled([...this.#underway])
  }

  /** @throws {Unserializable, InvalidCall} */
  encode(messages: readonly Outgoing[]): EncodedMessage[] {
    const now = this.#parts.clock.now()
    return messages.map(({ message, route, notBefore }) => {
      if (route.exchange === '') this.#parts.keys.checkQueue(route.routingKey)
      const due = dueTime(notBefore, now)
      const deliveryTag = randomUUID()
      const envelope = encodeKombuEnvelope(message, { route, deliveryTag, notBefore: due })
      return { envelope, deliveryTag, priority: kombuPriority(message.properties.priority), route, due }
    })
  }

  /** What is to be done to store messages, in their order. @throws {Unroutable, InvalidCall} */
  async deeds(messages: readonly EncodedMessage[]): Promise<Deed[]> {
    const { topology } = this.#parts
    const routed = messages.map(
      async (message): Promise<Routed> =>
        isPlain(message) ? plainly(message) : { message, destinations: await topology.destinations(message.route) },
    )
    return this.#pushes(await Promise.all(routed))
  }

  #pushes(routed: readonly Routed[]): Deed[] {
    const { keys } = this.#parts
    const pushed = new Map<string, string[]>()
    const others: Deed[] = []
    for (const { message, destinations } of routed) {
      const { queues, channel } = destinations
      queues.forEach((queue, index) => {
        const { envelope, deliveryTag } = index === 0 ? message : retagged(message)
        const list = keys.list(queue, message.priority)
        const envelopes = pushed.get(list)
        if (envelopes === undefined) pushed.set(list, [envelope])
        else envelopes.push(envelope)
        if (message.due !== undefined) others.push(['ZADD', keys.ahead(queue), message.due, deliveryTag])
      })
      if (channel !== undefined) others.push(['PUBLISH', channel, retagged(message).envelope])
    }
    const pushes: Deed[] = []
    for (const [list, envelopes] of pushed)
      for (let from = 0; from < envelopes.length; from += pushedAtOnce)
        pushes.push(['LPUSH', list, ...envelopes.slice(from, from + pushedAtOnce)])
    return [...pushes, ...others]
  }

  #gather(deeds: readonly Deed[]): Promise<void> {
    const bytes = sizeOf(deeds)
    if (this.#waitingBytes > 0 && this.#waitingBytes + bytes > bufferBytes)
      return Promise.reject(
        new BrokerUnavailable(
          `Could not publish: ${Math.round(this.#waitingBytes / 1_048_576)} MiB of messages wait for the server already. Nothing was stored. Publish more slowly.`,
        ),
      )
    const request: Request = { deeds, bytes, done: deferred() }
    this.#waitingBytes += bytes
    this.#gathered.push(request)
    if (!this.#isScheduled) {
      this.#isScheduled = true
      // After all promises of this turn.
      setImmediate(() => this.#send())
    }
    return request.done.promise
  }

  #send(): void {
    this.#isScheduled = false
    const requests = this.#gathered
    this.#gathered = []
    let portion: Request[] = []
    let bytes = 0
    for (const request of requests) {
      if (portion.length > 0 && bytes + request.bytes > flushBytes) {
        this.#store(portion)
        portion = []
        bytes = 0
      }
      portion.push(request)
      bytes += request.bytes
    }
    if (portion.length > 0) this.#store(portion)
  }

  #store(requests: readonly Request[]): void {
    const storing = this.#storeAll(requests).finally(() => {
      this.#underway.delete(storing)
      for (const { bytes } of requests) this.#waitingBytes -= bytes
    })
    this.#underway.add(storing)
  }

  /** Never rejects: each request is told on its own. */
  async #storeAll(requests: readonly Request[]): Promise<void> {
    const deeds = requests.length === 1 ? requests[0]!.deeds : merged(requests.flatMap((request) => request.deeds))
    try {
      await this.#flush(deeds)
      for (const { done } of requests) done.resolve()
    } catch (error) {
      if (requests.length > 1 && !isOutage(error)) {
        // Something of one of them was refused, and so the whole: each goes its own way, so that it hurts only itself.
        await Promise.all(requests.map((request) => this.#storeAll([request])))
        return
      }
      for (const { done } of requests) done.reject(error)
    }
  }

  /** The same flush again, under the same marker, until it is known to be stored or the time is up. */
  async #flush(deeds: readonly Deed[]): Promise<void> {
    const { server, keys, clock, timeoutMs, replicas } = this.#parts
    const call = publish.call(
      { marker: keys.flush(randomUUID()) },
      { keepSeconds: markerSeconds },
      { restArgs: [...listArgs(deeds), ...deedArgs(deeds)] },
    )
    const wait: RedisCall = { name: 'WAIT', args: [replicas, Math.max(1, Math.floor(timeoutMs / 2))] }
    const endsAt = clock.monotonic() + timeoutMs
    let unknown: OutcomeUnknown | undefined
    for (;;) {
      try {
        const leftMs = Math.max(1, endsAt - clock.monotonic())
        const [stored, reached] = await server.pipeline(replicas > 0 ? [call, wait] : [call], {
          what: 'publish',
          timeoutMs: leftMs,
        })
        if (stored instanceof Error) throw stored
        if (replicas > 0) checkReplicas(reached, replicas)
        return
      } catch (error) {
        if (error instanceof OutcomeUnknown) unknown = error
        else if (unknown === undefined || !(error instanceof BrokerUnavailable)) throw error
        if (clock.monotonic() >= endsAt || isShortOfReplicas(error)) throw unknown
      }
    }
  }
}

const shortOfReplicas = new WeakSet<Error>()

function checkReplicas(reached: unknown, replicas: number): void {
  if (reached instanceof Error) throw reached
  if (Number(reached) >= replicas) return
  const error = new OutcomeUnknown(
    `The messages are stored, but only ${reached} of ${replicas} replicas confirmed it in time: they would be lost if the server failed now.`,
  )
  shortOfReplicas.add(error)
  throw error
}

function isShortOfReplicas(error: unknown): boolean {
  return error instanceof Error && shortOfReplicas.has(error)
}

function isOutage(error: unknown): boolean {
  return error instanceof BrokerUnavailable || error instanceof OutcomeUnknown
}

interface Routed {
  readonly message: EncodedMessage
  readonly destinations: Destinations
}

function isPlain({ route }: EncodedMessage): boolean {
  return route.exchange === ''
}

function plainly(message: EncodedMessage): Routed {
  return { message, destinations: { queues: [message.route.routingKey], channel: undefined } }
}

/** The same for another queue: Python keeps unsettled messages by their delivery tags. */
function retagged({ envelope }: EncodedMessage): { envelope: string; deliveryTag: string } {
  const deliveryTag = randomUUID()
  return { envelope: withMember(envelope, ['properties', 'delivery_tag'], JSON.stringify(deliveryTag)), deliveryTag }
}

function sizeOf(deeds: readonly Deed[]): number {
  let bytes = 0
  for (const [, ...values] of deeds) for (const value of values) bytes += typeof value === 'number' ? 8 : value.length
  return bytes
}

/** Pushes to one list together, which is a third of the cost of one each. */
function merged(deeds: readonly Deed[]): Deed[] {
  const pushed = new Map<string, RedisValue[][]>()
  const others: Deed[] = []
  for (const deed of deeds) {
    const [command, list, ...values] = deed
    if (command !== 'LPUSH') {
      others.push(deed)
      continue
    }
    const portions = pushed.get(list) ?? []
    pushed.set(list, portions)
    const last = portions.at(-1)
    if (last === undefined || last.length + values.length > pushedAtOnce) portions.push(values)
    else last.push(...values)
  }
  const pushes = [...pushed].flatMap(([list, portions]) => portions.map((values): Deed => ['LPUSH', list, ...values]))
  return [...pushes, ...others]
}
