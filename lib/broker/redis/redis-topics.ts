import { randomUUID } from 'node:crypto'
import type { Service } from '../../base/service.ts'
import type { RedisServer } from '../../driver/redis/redis-server.ts'
import type { WireMessage } from '../../message/wire-message.ts'
import { decodeKombuEnvelope, encodeKombuEnvelope } from './kombu-envelope.ts'
import type { RedisKeys } from './redis-keys.ts'

/** Broadcasts on kombu's channels: a topic is an exchange, or an exchange and a routing key with a slash between. */
export class RedisTopics {
  readonly #server: RedisServer
  readonly #keys: RedisKeys
  readonly #stops = new Set<() => void>()

  constructor(server: RedisServer, keys: RedisKeys) {
    this.#server = server
    this.#keys = keys
  }

  /** @throws {Unserializable, BrokerUnavailable, OutcomeUnknown} */
  async broadcast(topic: string, message: WireMessage): Promise<void> {
    const [exchange, routingKey] = partsOf(topic)
    const envelope = encodeKombuEnvelope(message, { route: { exchange, routingKey }, deliveryTag: randomUUID() })
    await this.#server.command('PUBLISH', [this.#keys.channel(exchange, routingKey), envelope], { what: 'broadcast' })
  }

  /** Resolves when the server has confirmed it. */
  async subscribe(topic: string, onMessage: (message: WireMessage) => void): Promise<Service> {
    const [exchange, routingKey] = partsOf(topic)
    let isStopped = false
    const deliver = (payload: unknown): void => {
      const message = readMessage(payload)
      if (message === undefined) return
      // Apart, so that a subscriber that throws spoils nothing here.
      queueMicrotask(() => {
        if (!isStopped) onMessage(message)
      })
    }
    await this.#server.open()
    let unsubscribe!: () => void
    await new Promise<void>((resolve) => {
      unsubscribe = this.#server.subscribe(this.#keys.channel(exchange, routingKey), {
        onMessage: deliver,
        onReady: () => resolve(),
      })
      this.#stops.add(unsubscribe)
    })
    return {
      start: async () => {},
      stop: async () => {
        isStopped = true
        unsubscribe()
        this.#stops.delete(unsubscribe)
      },
    }
  }

  close(): void {
    for (const stop of this.#stops) stop()
    this.#stops.clear()
  }
}

function partsOf(topic: string): [exchange: string, routingKey: string] {
  const at = topic.indexOf('/')
  return at < 0 ? [topic, ''] : [topic.slice(0, at), topic.slice(at + 1)]
}

function readMessage(payload: unknown): WireMessage | undefined {
  try {
    return decodeKombuEnvelope(payload as Buffer).message
  } catch {
    return undefined // best effort: whoever sent it was none of ours
  }
}
