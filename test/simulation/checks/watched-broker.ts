import type { Service } from '../../../lib/base/service.ts'
import type { ConsumeOptions, Delivery, Outgoing, Settlement, SettleReply } from '../../../lib/broker/broker.ts'
import { controlTopic, readRevoke } from '../../../lib/control/revocation.ts'
import type { WireMessage } from '../../../lib/message/wire-message.ts'
import { FakeBroker, type FakeBrokerOptions } from '../unkind-broker/fake-broker.ts'
import type { FakeConsumer } from '../unkind-broker/fake-consumer.ts'
import type { Process } from '../world/process.ts'
import type { Ledger } from './ledger.ts'

interface Held {
  readonly delivery: Delivery
  /** What was asked of it so far, as text. */
  asked: string | undefined
  isAnswered: boolean
}

/** A fake broker that watches what its process asks of it. */
export class WatchedBroker extends FakeBroker {
  readonly #ledger: Ledger
  readonly #process: Process
  readonly #held = new Map<number, Held>()

  constructor(options: FakeBrokerOptions & { ledger: Ledger; process: Process }) {
    super(options)
    this.#ledger = options.ledger
    this.#process = options.process
  }

  override async publish(messages: readonly Outgoing[]): Promise<void> {
    this.#ledger.publishes(this.#process, messages)
    return super.publish(messages)
  }

  override consume(queues: readonly string[], options: ConsumeOptions): Promise<FakeConsumer> {
    const onDeliveries = (batch: readonly Delivery[]): void => {
      for (const delivery of batch) {
        const { token } = delivery.claim
        if (this.#held.has(token))
          this.#ledger.violated(3, `token ${token} was delivered twice to ${this.#process.name}`)
        this.#held.set(token, { delivery, asked: undefined, isAnswered: false })
      }
      options.onDeliveries(batch)
      this.#ledger.checkHeld(this.#process)
    }
    return super.consume(queues, { ...options, onDeliveries })
  }

  override async settle(batch: readonly Settlement[]): Promise<SettleReply[]> {
    if (!this.#process.isDead) for (const settlement of batch) this.#check(settlement)
    const replies = await super.settle(batch)
    for (const { claim } of batch) {
      const held = this.#held.get(claim.token)
      if (held !== undefined) held.isAnswered = true
    }
    return replies
  }

  override subscribe(topic: string, onMessage: (message: WireMessage) => void): Promise<Service> {
    return super.subscribe(topic, (message) => {
      // Before it is told: it must not start from now on.
      if (topic === controlTopic) this.#ledger.heardOfRevoked(this.#process, readRevoke(message)?.ids ?? [])
      onMessage(message)
    })
  }

  #check(settlement: Settlement): void {
    const { token } = settlement.claim
    const { name } = this.#process
    const held = this.#held.get(token)
    if (held === undefined) {
      this.#ledger.violated(4, `${name} settles token ${token}, which it was never given`)
      return
    }
    const { message } = held.delivery
    const asked = JSON.stringify([
      settlement.disposition,
      settlement.counted,
      settlement.record?.state,
      settlement.publish?.map((outgoing) => [outgoing.message.headers['id'], outgoing.message.headers['retries']]),
    ])
    const id = String(message.headers['id'])
    if (held.isAnswered) this.#ledger.violated(4, `${name} settles ${id} again, which it was told about: ${asked}`)
    if (held.asked !== undefined && held.asked !== asked)
      this.#ledger.violated(4, `${name} settles ${id} otherwise than before: ${held.asked}, then ${asked}`)
    held.asked = asked
  }
}
