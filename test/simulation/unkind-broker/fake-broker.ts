import type { Clock } from '../../../lib/base/clock.ts'
import type { Service } from '../../../lib/base/service.ts'
import type {
  Broker,
  BrokerAdmin,
  BrokerCapabilities,
  ConsumeOptions,
  Outgoing,
  Settlement,
  SettleReply,
} from '../../../lib/broker/broker.ts'
import { decodeEnvelope, dueTime, encodeEnvelope } from '../../../lib/broker/envelope.ts'
import type { Queue } from '../../../lib/broker/queue.ts'
import type { WireMessage } from '../../../lib/message/wire-message.ts'
import { fakeAdmin } from './fake-admin.ts'
import { FakeConsumer } from './fake-consumer.ts'
import type { FakeEntry, FakeOwner } from './fake-messages.ts'
import type { FakeStore } from './fake-store.ts'
import { Link, type Network } from './link.ts'

export interface FakeBrokerOptions {
  readonly store: FakeStore
  /** The process's own. */
  readonly clock: Clock
  /** Without one it is kind. */
  readonly network?: Network | undefined
  /** Who it is, for the audit. */
  readonly by?: unknown
  /** Nobody knows any more whether these were stored, or how often. */
  readonly onDoubt?: ((messages: readonly Outgoing[]) => void) | undefined
  readonly onSettleDoubt?: ((batch: readonly Settlement[]) => void) | undefined
  /** Its consumers leave whatever becomes due to others for a moment, for a while after they gave something back. @default false */
  readonly yieldsDue?: boolean | undefined
  /** @default true */
  readonly settlesResults?: boolean | undefined
}

/** How long others are first at what a consumer could not use, where they may be slow. */
const yieldMs = 250

/** One process's way to a fake store. Legal in everything that it does, and no kinder than it must be. */
export class FakeBroker implements Broker {
  readonly capabilities: BrokerCapabilities
  readonly store: string
  readonly admin: BrokerAdmin
  readonly link: Link
  readonly consumers = new Set<FakeConsumer>()
  readonly subscriptions = new Set<{ readonly topic: string; readonly hear: (message: WireMessage) => void }>()
  readonly #options: FakeBrokerOptions
  readonly #holders = new Map<number, FakeConsumer>()
  /** Owners that may still hold claims. */
  readonly #owners = new Set<FakeConsumer>()

  constructor(options: FakeBrokerOptions) {
    this.#options = options
    this.link = new Link(options.store, options.network)
    this.store = options.store.name
    this.capabilities = {
      settlesResults: options.settlesResults ?? true,
      priorityOrder: 'lowest-first',
      durable: true,
      sharedByProcesses: true,
    }
    this.admin = fakeAdmin(this.link)
  }

  async start(): Promise<void> {
    this.link.refuseClosed('start')
  }

  async stop(): Promise<void> {
    if (this.link.isClosed) return
    this.link.isClosed = true
    for (const consumer of [...this.consumers]) await consumer.stop()
    await this.link.idle()
    this.leave()
  }

  /** What its consumers hold, as the store knows it. */
  held(): FakeEntry[] {
    return [...this.#owners].flatMap(({ owner }) => this.link.store.messages.heldBy(owner))
  }

  /** What its consumers still held comes back. */
  leave(): void {
    const { store } = this.link
    for (const { owner } of this.#owners) store.act(() => store.messages.recover(owner))
    this.#owners.clear()
    for (const subscription of this.subscriptions) store.subscriptions.delete(subscription)
    this.subscriptions.clear()
  }

  /** The store hears nothing of this process any more: leases run out. @param withinMs of a lease, at most */
  silent(share: () => number): void {
    for (const consumer of this.#owners) consumer.silent(consumer.leaseMs * share())
  }

  heard(): void {
    for (const consumer of this.#owners) consumer.heard()
  }

  /** Its process is dead: the store forgets whom to tell. */
  forgotten(): void {
    const { store } = this.link
    for (const consumer of this.consumers) remove(store.lookers, consumer)
    for (const subscription of this.subscriptions) store.subscriptions.delete(subscription)
  }

  async declare(queues: readonly Queue[]): Promise<void> {
    this.link.refuseClosed('declare queues')
    const { messages } = this.link.store
    await this.link.ask({
      asked: 'other',
      act: () => {
        for (const queue of queues) messages.declared.set(queue.name, queue)
      },
    })
  }

  async publish(outgoing: readonly Outgoing[]): Promise<void> {
    this.link.refuseClosed('publish')
    const { messages } = this.link.store
    const placed = messages.place(outgoing)
    const { by, onDoubt } = this.#options
    await this.link.ask({
      asked: 'publish',
      act: () => messages.add(placed, by),
      actInPart: () => messages.add(placed.slice(0, Math.floor(placed.length / 2)), by),
      onDoubt: () => onDoubt?.(outgoing),
    })
  }

  async consume(queues: readonly string[], options: ConsumeOptions): Promise<FakeConsumer> {
    this.link.refuseClosed('consume')
    const { link } = this
    const consumer = new FakeConsumer({
      link,
      options,
      queues: [...new Set(queues)],
      clock: this.#options.clock,
      yieldsDue: this.#options.yieldsDue ?? false,
      onClaimed: (token, holder) => void this.#holders.set(token, holder),
      onStopping: (stopping) => {
        this.consumers.delete(stopping)
        remove(link.store.lookers, stopping)
      },
    })
    if (link.network?.host.isDead) return consumer
    for (const queue of queues) link.store.messages.known.add(queue)
    this.consumers.add(consumer)
    this.#owners.add(consumer)
    link.store.lookers.push(consumer)
    consumer.look()
    return consumer
  }

  async settle(batch: readonly Settlement[]): Promise<SettleReply[]> {
    this.link.refuseClosed('settle')
    const { messages } = this.link.store
    for (const { notBefore } of batch) dueTime(notBefore, 0)
    const follow = batch.map(({ publish }) => (publish === undefined ? [] : messages.place(publish)))
    for (const { claim, counted } of batch) if (counted === 'return') this.#holders.get(claim.token)?.gaveBack()
    const replies = await this.link.ask({
      asked: 'settle',
      act: () => batch.map((settlement, index) => this.#settleOne(settlement, follow[index]!)),
      onDoubt: () => this.#options.onSettleDoubt?.(batch),
    })
    for (const { claim } of batch) {
      const holder = this.#holders.get(claim.token)
      this.#holders.delete(claim.token)
      holder?.released(claim.token)
    }
    return replies
  }

  async flush(): Promise<void> {
    this.link.refuseClosed('flush')
    await this.link.ask({ asked: 'other', act: () => {} })
  }

  async broadcast(topic: string, message: WireMessage): Promise<void> {
    this.link.refuseClosed('broadcast')
    const envelope = encodeEnvelope(message, { exchange: '', routingKey: topic }, topic)
    const { store, network } = this.link
    await this.link.ask({
      asked: 'other',
      act: () => {
        for (const subscription of store.subscriptions)
          if (subscription.topic === topic && !network?.chaos.strikes('broadcast lost', 0.3))
            subscription.hear(decodeEnvelope(envelope, topic).message)
      },
    })
  }

  async subscribe(topic: string, onMessage: (message: WireMessage) => void): Promise<Service> {
    this.link.refuseClosed('subscribe')
    const { store } = this.link
    let isStopped = false
    const hear = (message: WireMessage): void =>
      this.link.bring(() => {
        if (!isStopped) onMessage(message)
      })
    const subscription = { topic, hear }
    this.subscriptions.add(subscription)
    const { network } = this.link
    await this.link.ask({
      asked: 'other',
      act: () => {
        if (network?.host.isDead !== true) store.subscriptions.add(subscription)
      },
    })
    return {
      start: async () => {},
      stop: async () => {
        isStopped = true
        store.subscriptions.delete(subscription)
        this.subscriptions.delete(subscription)
      },
    }
  }

  #settleOne(settlement: Settlement, follow: Parameters<FakeStore['messages']['settle']>[1]): SettleReply {
    const { store } = this.link
    const { by } = this.#options
    const returned = settlement.counted === 'return' ? store.messages.holderOf(settlement.claim) : undefined
    const yields = returned === undefined ? 0 : this.#yieldsFor(settlement, returned)
    const isValid = store.messages.holderOf(settlement.claim) !== undefined
    // The record first: whoever audits the settlement finds it.
    if (isValid && settlement.record !== undefined) store.keep([settlement.record], by)
    const reply = store.messages.settle(settlement, follow, by, yields)
    if (returned !== undefined) {
      store.toTheBack(returned)
      if (yields > 0) {
        const { clock } = store
        clock.timer(Math.max(0, (settlement.notBefore ?? 0) - clock.now()) + yields, () => store.changed())
      }
    }
    return reply
  }

  /** With a due time others must be first, and in the network their looks take time; else nothing is said of it. */
  #yieldsFor({ claim, notBefore }: Settlement, returned: FakeOwner): number {
    const { network } = this.#options
    if (network === undefined) return 0
    const { lookers } = this.link.store
    const hasOthers = lookers.some(({ owner, queues }) => owner !== returned && queues.includes(claim.queue))
    return (hasOthers && notBefore !== undefined) || network.chaos.random.chance(0.5) ? yieldMs : 0
  }
}

function remove<T>(list: T[], item: T): void {
  const index = list.indexOf(item)
  if (index !== -1) list.splice(index, 1)
}
