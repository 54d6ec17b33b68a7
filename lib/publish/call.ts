import type { Embed } from '../message/task-message.ts'

/**
 * Everything that one call collected, options of app, task and call merged already and every time absolute: what the publisher turns
 * into one message. Validated by whoever made it.
 */
export interface Call {
  readonly task: string
  readonly id: string
  readonly args: readonly unknown[]
  readonly kwargs: Readonly<Record<string, unknown>>
  readonly embed: Embed
  /** What the caller and the task said about the destination; the router does the rest. */
  readonly destination: Destination
  /** ms since the epoch. */
  readonly eta?: number | undefined
  readonly expires?: number | undefined
  readonly retries: number
  /** Seconds. */
  readonly timeLimits: { readonly hard?: number | undefined; readonly soft?: number | undefined }
  readonly serializer: string
  readonly compression?: string | undefined
  readonly priority?: number | undefined
  readonly deliveryMode: 1 | 2
  readonly ignoreResult: boolean
  readonly shadow?: string | undefined
  readonly group?: string | undefined
  readonly groupIndex?: number | undefined
  readonly rootId: string
  readonly parentId?: string | undefined
  readonly replyTo?: string | undefined
  readonly origin?: string | undefined
  readonly replacedTaskNesting: number
  readonly stampedHeaders?: readonly string[] | undefined
  readonly stamps: Readonly<Record<string, unknown>>
  /** Custom headers, merged flat into the message's. */
  readonly headers: Readonly<Record<string, unknown>>
  readonly argsRepr?: string | undefined
  readonly kwargsRepr?: string | undefined
  /** Further AMQP properties. */
  readonly properties: Readonly<Record<string, unknown>>
}

/** Where a call wants to go; all absent means: by the routes, else the default queue. */
export interface Destination {
  readonly queue?: string | undefined
  readonly exchange?: string | undefined
  readonly routingKey?: string | undefined
}
