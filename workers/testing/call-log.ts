import type { Umbel } from '../../lib/app/app.ts'
import type { Outgoing } from '../../lib/broker/broker.ts'
import { queuesOf } from '../../lib/broker/queue.ts'
import { decodeBody, readMessage } from '../../lib/message/read-message.ts'
import type { BrokerRecorder } from './recording-broker.ts'

/** A call that was sent in a test, as its worker gets it: arguments have been through the wire. */
export interface EnqueuedCall {
  readonly id: string
  /** The task's name. */
  readonly task: string
  readonly args: readonly unknown[]
  readonly kwargs: Readonly<Record<string, unknown>>
  readonly queue: string
  readonly priority: number | undefined
  /** From when it was sent to its `eta`, in seconds; undefined when it was to be run at once. */
  readonly countdown: number | undefined
  readonly eta: Date | undefined
  readonly expires: Date | undefined
  /** Headers that the caller added; none of the protocol's. */
  readonly headers: Readonly<Record<string, unknown>>
  /** The task that sent it, or that it follows. */
  readonly parentId: string | undefined
  /** By the test's clock. */
  readonly sentAt: Date
}

/** Every call that an app under test has sent, in order. A retry is the same call again, and is not listed again. */
export class CallLog implements BrokerRecorder {
  readonly #app: Umbel
  readonly #calls: EnqueuedCall[] = []
  readonly #ids = new Set<string>()

  constructor(app: Umbel) {
    this.#app = app
  }

  get calls(): readonly EnqueuedCall[] {
    return this.#calls
  }

  published(messages: readonly Outgoing[], isFollowUp: boolean): void {
    for (const message of messages) {
      const call = this.#read(message)
      if (isFollowUp && this.#ids.has(call.id)) continue
      this.#ids.add(call.id)
      this.#calls.push(call)
    }
  }

  #read({ message, route, notBefore }: Outgoing): EnqueuedCall {
    const { parts, clock } = this.#app
    const policy = { serializers: parts.serializers, limits: parts.limits }
    const { headers } = readMessage(message, policy)
    const { args, kwargs } = decodeBody(message, policy)
    const eta = headers.eta ?? notBefore
    const sentAt = clock.now()
    return {
      id: headers.id,
      task: headers.task,
      args,
      kwargs: { ...kwargs },
      queue: queuesOf(route, parts.router.queues())[0] ?? route.routingKey,
      priority: message.properties.priority,
      countdown: eta === undefined ? undefined : (eta - sentAt) / 1000,
      eta: eta === undefined ? undefined : new Date(eta),
      expires: headers.expires === undefined ? undefined : new Date(headers.expires),
      headers: { ...headers.custom },
      parentId: headers.parentId,
      sentAt: new Date(sentAt),
    }
  }
}
