/**
 * A message as a broker carries it: Celery's four parts (wire format, section 1). Nothing in it was trusted or decoded yet,
 * but for the JSON of the envelope where the broker has one.
 */
export interface WireMessage {
  /** The headers table. Null-prototype when it was read from a broker: its keys are whatever the sender liked. */
  readonly headers: WireHeaders
  readonly properties: WireProperties
  /** `application/json`, `application/x-msgpack` … as sent; checked against `acceptContent` before anything is decoded. */
  readonly contentType: string
  /** `utf-8` or `binary`. */
  readonly contentEncoding: string
  /** The serialized, then compressed body. Text stands for its UTF-8 bytes and is never compressed. */
  readonly body: string | Uint8Array
}

export type WireHeaders = Readonly<Record<string, unknown>>

/** AMQP's basic properties under camelCase names; what is absent was not sent. */
export interface WireProperties {
  readonly correlationId?: string | undefined
  readonly replyTo?: string | undefined
  /** 2 persistent, 1 transient. */
  readonly deliveryMode?: number | undefined
  /** As given by the caller; its meaning is the broker's (see `capabilities.priorityOrder`). */
  readonly priority?: number | undefined
  /** Milliseconds as text. Written by Python callers; nothing of ours reads or writes it. */
  readonly expiration?: string | undefined
  readonly messageId?: string | undefined
  readonly timestamp?: number | undefined
  readonly type?: string | undefined
  readonly userId?: string | undefined
  readonly appId?: string | undefined
}

/** The body's size in bytes, without encoding text that is plainly ASCII-sized twice. */
export function bodySizeBytes(body: string | Uint8Array): number {
  return typeof body === 'string' ? Buffer.byteLength(body) : body.byteLength
}
