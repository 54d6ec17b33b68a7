import type { Clock } from '../../base/clock.ts'
import { Closed } from '../../base/errors.ts'
import type { Service } from '../../base/service.ts'
import type { WireMessage } from '../../message/wire-message.ts'
import { MemoryStore } from '../../result/memory/memory-store.ts'
import type {
  Broker,
  BrokerAdmin,
  BrokerCapabilities,
  ConsumeOptions,
  Consumer,
  Outgoing,
  Settlement,
  SettleReply,
} from '../broker.ts'
import { dueTime } from '../envelope.ts'
import type { Queue } from '../queue.ts'
import { MemoryAdmin } from './memory-admin.ts'
import { MemoryConsumer } from './memory-consumer.ts'
import { type KeptMessage, MemoryMessages, type PlacedMessage } from './memory-messages.ts'
import { MemoryTopics } from './memory-topics.ts'

export interface MemoryBrokerOptions {
  readonly clock: Clock
  /** Part of the store's name; a number where left out. */
  readonly name?: string | undefined
  /** Where records of settlements go: the store of a memory result backend, so that both are one. */
  readonly shared?: MemoryStore | undefined
}

/** Messages in this process alone; for tests and examples. Behaves as the embedded store does, but that nothing survives. */
export class MemoryBroker implements Broker {
  readonly capabilities: BrokerCapabilities = {
    settlesResults: true,
    priorityOrder: 'lowest-first',
    durable: false,
    sharedByProcesses: false,
  }
  readonly store: string
  readonly admin: BrokerAdmin
  readonly #clock: Clock
  readonly #records: MemoryStore
  readonly #messages: MemoryMessages<MemoryConsumer>
  readonly #topics = new MemoryTopics()
  readonly #consumers = new Set<MemoryConsumer>()
  #cancelDue: (() => void) | undefined
  /** The due time that the timer waits for. */
  #armedFor: number | undefined
  #isStopped = false

  constructor(options: MemoryBrokerOptions) {
    this.#clock = options.clock
    this.#records = options.shared ?? new MemoryStore(options)
    this.store = this.#records.name
    this.#messages = new MemoryMessages(options.clock)
    this.admin = new MemoryAdmin(this.#messages, {
      onChanged: () => this.#changed(),
      refuseStopped: (what) => this.#refuseStopped(what),
    })
  }

  async start(): Promise<void> {
    this.#refuseStopped('start')
  }

  async stop(): Promise<void> {
    if (this.#isStopped) return
    this.#isStopped = true
    for (const consumer of [...this.#consumers]) await consumer.stop()
    this.#topics.close()
    this.#cancelDue?.()
  }

  async declare(queues: readonly Queue[]): Promise<void> {
    this.#refuseStopped('declare queues')
    for (const queue of queues) this.#messages.declare(queue)
  }

  async publish(messages: readonly Outgoing[]): Promise<void> {
    this.#refuseStopped('publish')
    // All of them before the first is added, so that none is stored when one is refused.
    this.#messages.add(this.#messages.place(messages))
    this.#changed()
  }

  async consume(queues: readonly string[], options: ConsumeOptions): Promise<Consumer> {
    this.#refuseStopped('consume')
    const consumer = new MemoryConsumer({
      clock: this.#clock,
      options,
      queues: [...new Set(queues)].map((name) => this.#messages.queue(name)),
      claim: (claimer, room) => {
        const deliveries = this.#messages.claim(claimer.nextTurn(), room, claimer)
        return { deliveries, bytes: deliveries.reduce((sum, { claim }) => sum + this.#messages.sizeOf(claim), 0) }
      },
      onLapsed: (lapsed) => this.#recover(lapsed),
      onStopping: (stopping) => void this.#consumers.delete(stopping),
    })
    this.#consumers.add(consumer)
    consumer.look()
    return consumer
  }

  async settle(batch: readonly Settlement[]): Promise<SettleReply[]> {
    this.#refuseStopped('settle')
    // Everything that can be refused, before anything is done.
    for (const { notBefore } of batch) dueTime(notBefore, 0)
    const follow = batch.map(({ publish }) => (publish === undefined ? [] : this.#messages.place(publish)))
    const replies = batch.map((settlement, index) => this.#settleOne(settlement, follow[index]!))
    this.#changed()
    return replies
  }

  /** Everything that is kept and how it stands, as of now: for tests that compare it with a model. */
  contents(): KeptMessage<Consumer>[] {
    return [...this.#messages.contents()]
  }

  /** There is never anything on its way. */
  async flush(): Promise<void> {}

  async broadcast(topic: string, message: WireMessage): Promise<void> {
    this.#refuseStopped('broadcast')
    this.#topics.broadcast(topic, message)
  }

  async subscribe(topic: string, onMessage: (message: WireMessage) => void): Promise<Service> {
    this.#refuseStopped('subscribe')
    return this.#topics.subscribe(topic, onMessage)
  }

  #settleOne(settlement: Settlement, follow: readonly PlacedMessage[]): SettleReply {
    const isValid = this.#messages.isValid(settlement.claim)
    const bytes = this.#messages.sizeOf(settlement.claim)
    const holder = this.#messages.holderOf(settlement.claim)
    if (isValid) {
      this.#messages.settle(settlement)
      if (settlement.record !== undefined) this.#records.keep([settlement.record])
      this.#messages.add(follow)
    }
    holder?.released(bytes)
    if (settlement.counted === 'return' && holder !== undefined && this.#consumers.delete(holder))
      this.#consumers.add(holder) // the last to be asked now, so that another gets what this one can't use
    return isValid ? 'settled' : 'lost'
  }

  #recover(consumer: MemoryConsumer): void {
    this.#messages.recover(consumer)
    this.#changed()
  }

  /** Something may be there to claim, now or at the next due time. */
  #changed(): void {
    for (const consumer of this.#consumers) consumer.look()
    const due = this.#messages.earliestDue
    if (due === this.#armedFor) return
    this.#cancelDue?.()
    this.#armedFor = due
    if (due === undefined || this.#isStopped) return
    // At least once a minute: the wall clock may be set.
    this.#cancelDue = this.#clock.timer(Math.min(Math.max(0, due - this.#clock.now()), 60_000), () => {
      this.#armedFor = undefined
      this.#messages.promoteDue()
      this.#changed()
    })
  }

  #refuseStopped(what: string): void {
    if (this.#isStopped) throw new Closed(`Cannot ${what} in ${this.store}: this broker was closed.`)
  }
}
