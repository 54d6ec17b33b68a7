import { hostname } from 'node:os'
import type { Clock } from '../base/clock.ts'
import { BrokerUnavailable, Closed } from '../base/errors.ts'
import { originOf } from '../base/task-id.ts'
import type { Broker, Outgoing } from '../broker/broker.ts'
import type { MessageLimits } from '../message/message-limits.ts'
import { encodeTaskMessage } from '../message/protocol-v2.ts'
import type { Serializers } from '../message/serializer.ts'
import type { TaskHeaders } from '../message/task-message.ts'
import type { Call } from './call.ts'
import type { Router } from './router.ts'

export interface PublisherParts {
  readonly router: Router
  readonly serializers: Serializers
  readonly limits: MessageLimits
  readonly clock: Clock
  readonly retry: PublishRetry
  broker(): Promise<Broker>
  /** Calls back when the app is closed. Stop with what it returns. */
  onClose(listener: () => void): () => void
}

/** Retrying a publication that the broker refused for the moment. @see Celery's `task_publish_retry_policy` */
export interface PublishRetry {
  /** 0 never retries; null retries for ever. */
  readonly maxRetries: number | null
  readonly startMs: number
  readonly stepMs: number
  readonly maxMs: number
}

/** The one place where a task message leaves the process. */
export class Publisher {
  readonly #parts: PublisherParts
  readonly #origin = originOf(process.pid, hostname())

  constructor(parts: PublisherParts) {
    this.#parts = parts
  }

  /**
   * Routes and encodes a call. Its serializer must have been loaded.
   * @throws {Unserializable, MessageTooLarge, Unroutable}
   */
  prepare(call: Call): Outgoing {
    const { router, serializers, limits } = this.#parts
    const { exchange, routingKey, priority } = router.route(call)
    const { args, kwargs, embed, replyTo, deliveryMode, properties } = call
    const message = encodeTaskMessage(
      { headers: this.#headersOf(call), args, kwargs, embed, replyTo, priority, deliveryMode, properties },
      {
        serializer: serializers.loaded(call.serializer),
        compression: call.compression,
        limits,
        argsRepr: call.argsRepr,
        kwargsRepr: call.kwargsRepr,
      },
    )
    return { message, route: { exchange, routingKey }, notBefore: call.eta }
  }

  /**
   * Resolves when the broker has taken all of them. A broker that is unavailable is asked again as `taskPublishRetryPolicy` says; ids are
   * fixed, so that a repeat is recognised.
   * @throws {BrokerUnavailable, OutcomeUnknown, StoreFull, Unroutable, Closed}
   */
  async publish(messages: readonly Outgoing[]): Promise<void> {
    const { retry } = this.#parts
    const broker = await this.#parts.broker()
    for (let retries = 0; ; retries++) {
      try {
        return await broker.publish(messages)
      } catch (error) {
        const isLast = retry.maxRetries !== null && retries >= retry.maxRetries
        if (isLast || !(error instanceof BrokerUnavailable)) throw error
        await this.#pause(Math.min(retry.maxMs, retry.startMs + retries * retry.stepMs), error)
      }
    }
  }

  /** An app that is closed waits for nothing any more, and its process may end. */
  async #pause(ms: number, cause: BrokerUnavailable): Promise<void> {
    const { clock, onClose } = this.#parts
    const closing = new AbortController()
    const stopListening = onClose(() =>
      closing.abort(
        new Closed('The app was closed before its broker could take this call; it was not sent.', { cause }),
      ),
    )
    try {
      await clock.sleep(ms, closing.signal)
    } finally {
      stopListening()
    }
  }

  #headersOf(call: Call): TaskHeaders {
    return {
      task: call.task,
      id: call.id,
      shadow: call.shadow,
      eta: call.eta,
      expires: call.expires,
      group: call.group,
      groupIndex: call.groupIndex,
      retries: call.retries,
      timeLimits: call.timeLimits,
      rootId: call.rootId,
      parentId: call.parentId,
      argsRepr: call.argsRepr ?? '',
      kwargsRepr: call.kwargsRepr ?? '',
      origin: call.origin ?? this.#origin,
      ignoreResult: call.ignoreResult,
      replacedTaskNesting: call.replacedTaskNesting,
      stampedHeaders: call.stampedHeaders,
      stamps: call.stamps,
      custom: call.headers,
    }
  }
}
