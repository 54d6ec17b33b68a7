import type { Service } from '../../lib/base/service.ts'
import type {
  Broker,
  BrokerAdmin,
  BrokerCapabilities,
  ConsumeOptions,
  Consumer,
  Outgoing,
  Settlement,
  SettleReply,
} from '../../lib/broker/broker.ts'
import type { Queue } from '../../lib/broker/queue.ts'
import type { WireMessage } from '../../lib/message/wire-message.ts'
import { nextTurn } from '../../lib/testing/real-time.ts'
import type { Gate } from './gate.ts'

/** What {@link RecordingBroker} tells of. */
export interface BrokerRecorder {
  /** Messages that were taken: calls, or what follows from a task's end (`isFollowUp`): links, retries. */
  published(messages: readonly Outgoing[], isFollowUp: boolean): void
}

/** A broker in a test: tells what goes through it, and gives consumers something while the gate is open only. */
export class RecordingBroker implements Broker {
  readonly #broker: Broker
  readonly #recorder: BrokerRecorder
  readonly #gate: Gate

  constructor(broker: Broker, recorder: BrokerRecorder, gate: Gate) {
    this.#broker = broker
    this.#recorder = recorder
    this.#gate = gate
  }

  get capabilities(): BrokerCapabilities {
    return this.#broker.capabilities
  }

  get store(): string {
    return this.#broker.store
  }

  get admin(): BrokerAdmin {
    return this.#broker.admin
  }

  start(): Promise<void> {
    return this.#broker.start()
  }

  stop(): Promise<void> {
    return this.#broker.stop()
  }

  declare(queues: readonly Queue[]): Promise<void> {
    return this.#broker.declare(queues)
  }

  async publish(messages: readonly Outgoing[]): Promise<void> {
    await this.#broker.publish(messages)
    this.#recorder.published(messages, false)
  }

  async consume(queues: readonly string[], options: ConsumeOptions): Promise<Consumer> {
    const consumer = await this.#broker.consume(queues, {
      ...options,
      prefetch: this.#gate.isOpen ? options.prefetch : 0,
      // A turn later: in memory everything else happens between two turns, and tasks that send themselves would never let one begin.
      onDeliveries: (batch) => void nextTurn().then(() => options.onDeliveries(batch)), // never rejects: it must not throw
    })
    return gated(consumer, options.prefetch, this.#gate)
  }

  async settle(batch: readonly Settlement[]): Promise<SettleReply[]> {
    const replies = await this.#broker.settle(batch)
    const followUps = batch.filter((_, index) => replies[index] === 'settled').flatMap(({ publish }) => publish ?? [])
    this.#recorder.published(followUps, true)
    return replies
  }

  flush(): Promise<void> {
    return this.#broker.flush()
  }

  broadcast(topic: string, message: WireMessage): Promise<void> {
    return this.#broker.broadcast(topic, message)
  }

  subscribe(topic: string, onMessage: (message: WireMessage) => void): Promise<Service> {
    return this.#broker.subscribe(topic, onMessage)
  }
}

function gated(consumer: Consumer, prefetch: number, gate: Gate): Consumer {
  let wanted = prefetch
  const leaveGate = gate.onChange((isOpen) => consumer.setPrefetch(isOpen ? wanted : 0))
  return {
    get unsettled() {
      return consumer.unsettled
    },
    get lastRoundTrip() {
      return consumer.lastRoundTrip
    },
    get lease() {
      return consumer.lease
    },
    start: () => consumer.start(),
    async stop() {
      leaveGate()
      await consumer.stop()
    },
    setPrefetch(count) {
      wanted = count
      if (gate.isOpen) consumer.setPrefetch(count)
    },
  }
}
