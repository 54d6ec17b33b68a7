import type { Generation } from './redis-commands.ts'
import type { RedisConnection } from './redis-connection.ts'

export interface RedisSubscriber {
  /** A Buffer; for `__redis__:invalidate` a list of keys as Buffers, or null for all. Must not throw. */
  onMessage(payload: unknown, channel: string): void
  /**
   * The server has confirmed: what is published from now on arrives. Called again with each later generation, and messages may have been
   * missed before: look at what they would have told of. Must not throw.
   */
  onReady?(generation: Generation): void
}

export interface SubscribeOptions {
  /** The channel is a pattern of `PSUBSCRIBE`. @default false */
  readonly pattern?: boolean | undefined
}

/** Names in one command. */
const atOnce = 1_000

interface Subscription {
  readonly name: string
  readonly subscribers: Set<RedisSubscriber>
  /** `new` has not been sent on this connection. */
  state: 'new' | 'sent' | 'confirmed'
}

type Kind = 'channel' | 'pattern'
const kinds = ['channel', 'pattern'] as const
const verbs = {
  channel: { add: 'subscribe', remove: 'unsubscribe' },
  pattern: { add: 'psubscribe', remove: 'punsubscribe' },
} as const

/** Who listens to which channel, whatever connection there is; what changes in one turn is sent together. */
export class RedisSubscriptions {
  readonly #all: Readonly<Record<Kind, Map<string, Subscription>>> = { channel: new Map(), pattern: new Map() }
  readonly #onFirst: () => void
  #changed = { channel: new Set<Subscription>(), pattern: new Set<Subscription>() }
  #connection: RedisConnection | undefined
  #generation: Generation | undefined
  #isScheduled = false

  /** @param onFirst called when something is subscribed while there is no connection for it */
  constructor(onFirst: () => void) {
    this.#onFirst = onFirst
  }

  get isEmpty(): boolean {
    return kinds.every((kind) => this.#all[kind].size === 0)
  }

  add(name: string, subscriber: RedisSubscriber, { pattern = false }: SubscribeOptions = {}): () => void {
    const kind = pattern ? 'pattern' : 'channel'
    let subscription = this.#all[kind].get(name)
    if (subscription === undefined) {
      subscription = { name, subscribers: new Set(), state: 'new' }
      this.#all[kind].set(name, subscription)
    }
    // Of its own, so that one object may subscribe twice.
    const own: RedisSubscriber = {
      onMessage: (payload, channel) => subscriber.onMessage(payload, channel),
      onReady: (generation) => subscriber.onReady?.(generation),
    }
    subscription.subscribers.add(own)
    this.#change(kind, subscription)
    const generation = this.#generation
    if (subscription.state === 'confirmed' && generation !== undefined)
      queueMicrotask(() => {
        if (subscription.subscribers.has(own) && this.#generation === generation) own.onReady?.(generation)
      })
    return () => {
      if (subscription.subscribers.delete(own) && subscription.subscribers.size === 0) this.#change(kind, subscription)
    }
  }

  /** Subscribes to everything on a new connection; resolves when all is confirmed. @throws as the connection's commands */
  async attach(connection: RedisConnection): Promise<void> {
    this.#connection = connection
    this.#changed = { channel: new Set(), pattern: new Set() }
    const sent = kinds.flatMap((kind) => {
      for (const subscription of this.#all[kind].values()) subscription.state = 'new'
      return this.#send(kind, [...this.#all[kind].values()])
    })
    await Promise.all(sent)
  }

  /** Tells everybody that the generation is up; once for each. */
  ready(generation: Generation): void {
    if (this.#generation === generation) return
    this.#generation = generation
    for (const kind of kinds) {
      for (const { state, subscribers } of [...this.#all[kind].values()]) {
        if (state === 'confirmed') for (const subscriber of [...subscribers]) subscriber.onReady?.(generation)
      }
    }
  }

  detach(): void {
    this.#connection = undefined
    this.#generation = undefined
  }

  deliver(channel: string, payload: unknown, pattern: string | undefined): void {
    const kind = pattern === undefined ? 'channel' : 'pattern'
    const subscription = this.#all[kind].get(pattern ?? channel)
    if (subscription !== undefined)
      for (const subscriber of [...subscription.subscribers]) subscriber.onMessage(payload, channel)
  }

  #change(kind: Kind, subscription: Subscription): void {
    this.#changed[kind].add(subscription)
    if (this.#isScheduled) return
    this.#isScheduled = true
    queueMicrotask(() => {
      this.#isScheduled = false
      this.#flush()
    })
  }

  #flush(): void {
    const changed = this.#changed
    this.#changed = { channel: new Set(), pattern: new Set() }
    for (const kind of kinds) {
      const given = [...changed[kind]]
      const dropped = given.filter(({ subscribers }) => subscribers.size === 0)
      for (const each of dropped) if (this.#all[kind].get(each.name) === each) this.#all[kind].delete(each.name)
      this.#remove(
        kind,
        dropped.filter(({ state }) => state !== 'new'),
      )
      // What fails here fails with the connection, and is done again on the next.
      for (const sending of this.#send(
        kind,
        given.filter((each) => each.subscribers.size > 0 && each.state === 'new'),
      ))
        sending.catch(() => {})
    }
    if (this.#connection === undefined && !this.isEmpty) this.#onFirst()
  }

  #send(kind: Kind, subscriptions: readonly Subscription[]): Promise<void>[] {
    const connection = this.#connection
    if (connection === undefined) return []
    return portions(subscriptions).map(async (portion) => {
      for (const each of portion) each.state = 'sent'
      await connection.send(verbs[kind].add, namesOf(portion), { what: 'subscribe', buffers: false })
      if (this.#connection === connection) this.#confirm(portion)
    })
  }

  #confirm(portion: readonly Subscription[]): void {
    for (const each of portion) {
      each.state = 'confirmed'
      const generation = this.#generation
      if (generation !== undefined) for (const subscriber of [...each.subscribers]) subscriber.onReady?.(generation)
    }
  }

  #remove(kind: Kind, subscriptions: readonly Subscription[]): void {
    for (const portion of portions(subscriptions))
      this.#connection
        ?.send(verbs[kind].remove, namesOf(portion), { what: 'unsubscribe', buffers: false })
        .catch(() => {}) // with the connection, the subscription is gone too
  }
}

function namesOf(subscriptions: readonly Subscription[]): string[] {
  return subscriptions.map(({ name }) => name)
}

function portions<T>(items: readonly T[]): T[][] {
  const all: T[][] = []
  for (let from = 0; from < items.length; from += atOnce) all.push(items.slice(from, from + atOnce))
  return all
}
