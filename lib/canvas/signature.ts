/// <reference types="node" preserve="true" />
import { inspect, isDeepStrictEqual } from 'node:util'
import type { Duration } from '../base/duration.ts'
import type { WireSignature } from '../message/task-message.ts'
import type { AsyncResult } from '../result/async-result.ts'
import { mergeWireOptions, wireOptionsOf } from './wire-options.ts'
import { readWireSignature } from './wire-signature.ts'

/** A list of arguments, as types work with it. */
export type Args = readonly unknown[]
/** A moment as text; without an offset it is UTC. Checked again at run time. */
export type IsoTime = `${number}-${number}-${number}T${string}`

declare const types: unique symbol

/**
 * A call as plain, immutable data: a task's name, arguments and options, to be sent, linked and combined. `toJSON()` is Celery's wire form.
 * `In` is what may still come in front of its arguments; contravariant, so that a complete call is no later link. `si()` gives `any`.
 * `Handle` is what `delay()` resolves to.
 */
// biome-ignore lint/suspicious/noExplicitAny: an immutable signature takes whatever comes before it and drops it
export interface Signature<in In extends Args = any, out Out = unknown, out Handle = AsyncResult<Out>> {
  /** For the compiler alone; required rather than optional because errors are shorter so. */
  readonly [types]: { in(given: In): void; out: Out; handle: Handle }
  /** The task's name. */
  readonly task: string
  /** Sends it, with these arguments in front of its own. */
  delay(...args: In): Promise<Handle>
  /** As {@link delay}, with options over its own; keyword arguments are merged. */
  applyAsync(args: In, options?: SignatureCallOptions<Out>): Promise<Handle>
  /** With these options over its own. */
  set(options: CallOptions<Out>): this
  /** With one more callback, sent with the result in front of its arguments when the task has succeeded. */
  link(callback: Signature<[Out], unknown, unknown>): this
  /** With one more error callback, sent with the failed task's id in front of its arguments. */
  onError(handler: Signature<[failedId: string], unknown, unknown>): this
  /** Another one, equal. */
  clone(): this
  /** Celery's wire form. */
  toJSON(): WireSignature
}

/** Any signature at all. */
// biome-ignore lint/suspicious/noExplicitAny: `in` positions take no `unknown`
export type AnySignature = Signature<any, unknown, unknown>

/** What may be said of one call; it wins over the task's options, which win over the app's. */
export interface CallOptions<out Out = unknown> {
  /** The id to use instead of a random one; at most 255 characters. */
  taskId?: string | undefined
  /** Earliest start, counted from now. Not together with `eta`. */
  countdown?: Duration | undefined
  /** Earliest start. */
  eta?: Date | IsoTime | undefined
  /** No start later than this: the worker then records REVOKED. */
  expires?: Duration | Date | IsoTime | undefined
  queue?: string | undefined
  exchange?: string | undefined
  routingKey?: string | undefined
  /** 0 to 255, with the broker's own meaning: on RabbitMQ higher goes first, elsewhere 0 does. */
  priority?: number | undefined
  /** `json` or `msgpack`. */
  serializer?: string | undefined
  compression?: string | undefined
  /** Name to show instead of the task's in logs and monitors. */
  shadow?: string | undefined
  /** Keeps no result; waiting for it is then refused. */
  ignoreResult?: boolean | undefined
  timeLimit?: Duration | undefined
  softTimeLimit?: Duration | undefined
  /** Sent when the task has succeeded, with its result in front of their arguments. */
  link?: Signature<[Out], unknown, unknown> | readonly Signature<[Out], unknown, unknown>[] | undefined
  /** Sent when the task has failed, with its id in front of their arguments. */
  linkError?:
    | Signature<[failedId: string], unknown, unknown>
    | readonly Signature<[failedId: string], unknown, unknown>[]
    | undefined
  /** Headers of your own; the task finds them in `task.headers`. The protocol's own names are refused. */
  headers?: Readonly<Record<string, unknown>> | undefined
  /** 2 survives a restart of the broker, 1 need not. */
  deliveryMode?: 1 | 2 | undefined
  replyTo?: string | undefined
  messageId?: string | undefined
  appId?: string | undefined
  userId?: string | undefined
  type?: string | undefined
  /** AMQP's property: seconds since the epoch. */
  timestamp?: number | undefined
  /** The arguments as logs and monitors show them, instead of their own text: for what must not be seen there. */
  argsRepr?: string | undefined
  kwargsRepr?: string | undefined
}

/** {@link CallOptions} and keyword arguments, which are merged over the signature's own. */
export interface SignatureCallOptions<out Out = unknown> extends CallOptions<Out> {
  kwargs?: Readonly<Record<string, unknown>> | undefined
}

/** Sends a signature. Handed in by the task layer, so that canvas knows nothing of tasks and apps. */
export interface SignatureSender {
  /** Everything is merged; options are as the signature has them, unchecked when it came from elsewhere. */
  send(signature: WireSignature): Promise<unknown>
}

/**
 * A signature from its plain data, as `JSON.parse` or a task's argument gives it; unknown keys and options are kept.
 * @throws {InvalidCall} when it has no signature's shape
 */
export function signatureFromWire(data: unknown, sender: SignatureSender): AnySignature {
  return newSignature(readWireSignature(data, 'The data'), sender)
}

/**
 * A signature of data that is known to be right.
 * @returns typed as any signature; whoever knows the task says what it takes and gives
 */
// biome-ignore lint/suspicious/noExplicitAny: the caller's types are computed from the task's, see above
export function newSignature(data: WireSignature, sender: SignatureSender): Signature<any, any, any> {
  // Only the type has the marker property, so the class can't be said to implement it.
  // biome-ignore lint/suspicious/noExplicitAny: as above
  return new CallSignature(data, sender) as unknown as Signature<any, any, any>
}

class CallSignature {
  readonly #data: WireSignature
  readonly #sender: SignatureSender

  constructor(data: WireSignature, sender: SignatureSender) {
    for (const part of [data.args, data.kwargs, data.options, data]) Object.freeze(part)
    this.#data = data
    this.#sender = sender
  }

  get task(): string {
    return this.#data.task
  }

  delay(...args: Args): Promise<unknown> {
    return this.applyAsync(args)
  }

  async applyAsync(args: Args, options: SignatureCallOptions = {}): Promise<unknown> {
    const { task, immutable } = this.#data
    return this.#sender.send({
      ...this.#data,
      args: immutable ? this.#data.args : [...args, ...this.#data.args],
      kwargs: immutable ? this.#data.kwargs : { ...this.#data.kwargs, ...options.kwargs },
      options: mergeWireOptions(this.#data.options, wireOptionsOf(options, task)),
    })
  }

  set(options: CallOptions): CallSignature {
    return this.#withOptions(wireOptionsOf(options, this.task))
  }

  link(callback: AnySignature): CallSignature {
    return this.#append('link', wireOptionsOf({ link: callback }, this.task).link!)
  }

  onError(handler: AnySignature): CallSignature {
    return this.#append('link_error', wireOptionsOf({ linkError: handler }, this.task).link_error!)
  }

  clone(): CallSignature {
    return this.#withOptions({})
  }

  toJSON(): WireSignature {
    return this.#data
  }

  [inspect.custom](): string {
    return `Signature ${inspect(this.#data)}`
  }

  #append(name: 'link' | 'link_error', added: readonly WireSignature[]): CallSignature {
    const own = this.#data.options[name] ?? []
    const list: unknown[] = Array.isArray(own) ? own : [own]
    // As in Celery, the same callback is not called twice.
    const fresh = added.filter((item) => !list.some((other) => isDeepStrictEqual(other, item)))
    return this.#withOptions({ [name]: [...list, ...fresh] })
  }

  #withOptions(options: object): CallSignature {
    const { args, kwargs, options: own } = this.#data
    return new CallSignature(
      {
        ...this.#data,
        args: [...args],
        kwargs: { ...kwargs },
        options: mergeWireOptions(own, options),
      },
      this.#sender,
    )
  }
}
