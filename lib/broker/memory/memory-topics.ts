import { microtask } from '../../base/microtask.ts'
import type { Service } from '../../base/service.ts'
import type { WireMessage } from '../../message/wire-message.ts'
import { decodeEnvelope, encodeEnvelope } from '../envelope.ts'

interface Subscription {
  readonly topic: string
  readonly onMessage: (message: WireMessage) => void
}

/** Broadcasts within this process; every subscriber gets a copy of its own. */
export class MemoryTopics {
  readonly #subscriptions = new Set<Subscription>()

  /** @throws {Unserializable} */
  broadcast(topic: string, message: WireMessage): void {
    const envelope = encodeEnvelope(message, { exchange: '', routingKey: topic }, topic)
    for (const subscription of this.#subscriptions) {
      if (subscription.topic !== topic) continue
      microtask(() => {
        if (this.#subscriptions.has(subscription)) subscription.onMessage(decodeEnvelope(envelope, topic).message)
      })
    }
  }

  subscribe(topic: string, onMessage: (message: WireMessage) => void): Service {
    const subscription: Subscription = { topic, onMessage }
    this.#subscriptions.add(subscription)
    return {
      start: async () => {},
      stop: async () => {
        this.#subscriptions.delete(subscription)
      },
    }
  }

  close(): void {
    this.#subscriptions.clear()
  }
}
