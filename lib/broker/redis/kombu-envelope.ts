import { DecodeError } from '../../base/errors.ts'
import { JsonSerializer } from '../../message/json-serializer.ts'
import { defaultMessageLimits } from '../../message/message-limits.ts'
import type { WireMessage, WireProperties } from '../../message/wire-message.ts'
import { checkJsonMembers } from '../envelope.ts'
import type { Route } from '../queue.ts'

/*
 * Kombu's JSON envelope (wire format: redis-broker, section 2), both ways. Bytes travel as base64, text as it is: readers take a body
 * without `body_encoding` for text. What only we read stands in `properties.umbel`, which Python keeps and passes on.
 */

/** What stands in an envelope beside the message. */
export interface EnvelopeFacts {
  readonly route: Route
  /** Unique for each message: Python takes it as the key under which an unsettled one is kept. */
  readonly deliveryTag: string
  /** ms since the epoch. */
  readonly notBefore?: number | undefined
}

/** What became of earlier deliveries, as the envelope tells. */
export interface EnvelopeHistory {
  readonly redelivered: boolean
  readonly losses: number
  readonly returns: number
  readonly firstReturnedAt: number | undefined
}

/** What was read from an envelope. */
export interface DecodedEnvelope extends EnvelopeFacts, EnvelopeHistory {
  readonly message: WireMessage
}

const propertyNames = {
  correlationId: 'correlation_id',
  replyTo: 'reply_to',
  deliveryMode: 'delivery_mode',
  expiration: 'expiration',
  messageId: 'message_id',
  timestamp: 'timestamp',
  type: 'type',
  userId: 'user_id',
  appId: 'app_id',
} as const satisfies Partial<Record<keyof WireProperties, string>>
const propertyEntries = Object.entries(propertyNames) as [Exclude<keyof WireProperties, 'priority'>, string][]
const numeric: ReadonlySet<string> = new Set(['deliveryMode', 'timestamp'])

/**
 * The message as one JSON text.
 * @throws {Unserializable} for a header or property that JSON can't hold; members that are undefined count as absent
 */
export function encodeKombuEnvelope(message: WireMessage, facts: EnvelopeFacts): string {
  const { headers, properties, contentType, contentEncoding, body } = message
  const { route, deliveryTag, notBefore } = facts
  checkJsonMembers(headers, 'headers')
  checkJsonMembers(properties, 'properties')
  return JSON.stringify({
    body: typeof body === 'string' ? body : base64Of(body),
    'content-encoding': contentEncoding,
    'content-type': contentType,
    headers,
    properties: {
      correlation_id: properties.correlationId,
      reply_to: properties.replyTo,
      delivery_mode: properties.deliveryMode,
      delivery_info: { exchange: route.exchange, routing_key: route.routingKey },
      priority: properties.priority,
      expiration: properties.expiration,
      message_id: properties.messageId,
      timestamp: properties.timestamp,
      type: properties.type,
      user_id: properties.userId,
      app_id: properties.appId,
      body_encoding: typeof body === 'string' ? undefined : 'base64',
      delivery_tag: deliveryTag,
      umbel: notBefore === undefined ? undefined : { not_before: notBefore },
    },
  })
}

/** Headers are checked against their own limits later; this only keeps the parser from the end of its stack. */
const reader = new JsonSerializer({ typedValues: 'kombu', maxDepth: defaultMessageLimits.maxDepth })

/**
 * Reads what a client of kombu's layout put into a list. Headers have no prototype, so that no key of a sender means anything but itself.
 * @throws {DecodeError} for everything on which a Python worker would end
 */
export function decodeKombuEnvelope(bytes: string | Uint8Array): DecodedEnvelope {
  const envelope = reader.decode(bytes)
  if (!isObject(envelope)) throw refused('is no object')
  const { headers, properties, body } = envelope
  const { 'content-type': contentType, 'content-encoding': contentEncoding = 'utf-8' } = envelope
  if (!isObject(properties)) throw refused('has no properties')
  if (!isObject(headers)) throw refused('has no headers')
  if (typeof contentType !== 'string') throw refused('has no content type')
  if (typeof contentEncoding !== 'string') throw refused('has a content encoding that is no text')
  const { delivery_tag: deliveryTag, delivery_info: deliveryInfo, umbel } = properties
  if (typeof deliveryTag !== 'string' || deliveryTag === '') throw refused('has no delivery_tag')
  if (!isObject(deliveryInfo)) throw refused('has no delivery_info')
  const { exchange, routing_key: routingKey } = deliveryInfo
  if (typeof exchange !== 'string' || typeof routingKey !== 'string')
    throw refused('has a delivery_info without exchange or routing_key')
  const redelivered = headers['redelivered'] === true || deliveryInfo['redelivered'] === true
  // The transport's, not the sender's.
  delete headers['redelivered']
  Object.setPrototypeOf(headers, null)
  return {
    message: {
      headers,
      properties: propertiesOf(properties),
      contentType,
      contentEncoding,
      body: bodyOf(body, properties['body_encoding']),
    },
    route: { exchange, routingKey },
    deliveryTag,
    redelivered,
    ...ownFacts(umbel),
  }
}

/**
 * Where lower numbers are served first, as kombu clamps it: 0 to 9, 0 for what is no number.
 * Python's senders write numbers as text now and then.
 */
export function kombuPriority(priority: unknown): number {
  const given = Math.trunc(Number(priority ?? 0))
  return given > 0 ? Math.min(given, 9) : 0
}

function bodyOf(body: unknown, encoding: unknown): string | Uint8Array {
  if (typeof body !== 'string') throw refused('has a body that is no text')
  if (encoding === undefined || encoding === null) return body
  if (encoding !== 'base64') throw refused('has an unknown body_encoding')
  const bytes = Buffer.from(body, 'base64')
  // The decoder passes over what is no base64.
  const padding = body.endsWith('==') ? 2 : body.endsWith('=') ? 1 : 0
  if (body.length % 4 !== 0 || bytes.byteLength !== (body.length / 4) * 3 - padding)
    throw refused('has a body that is no base64')
  return bytes
}

function propertiesOf(given: Record<string, unknown>): WireProperties {
  const properties: Record<string, unknown> = {}
  for (const [ours, theirs] of propertyEntries) {
    const value = given[theirs]
    // What is of another type is no use to anybody, and nothing depends on it.
    if (typeof value === (numeric.has(ours) ? 'number' : 'string')) properties[ours] = value
  }
  const { priority } = given
  if (typeof priority === 'number') properties['priority'] = priority
  else if (typeof priority === 'string' && /^\d{1,9}$/.test(priority)) properties['priority'] = Number(priority)
  return properties
}

function ownFacts(umbel: unknown): Pick<DecodedEnvelope, 'notBefore' | 'losses' | 'returns' | 'firstReturnedAt'> {
  const facts: Record<string, unknown> = isObject(umbel) ? umbel : {}
  return {
    notBefore: finite(facts['not_before']),
    losses: count(facts['losses']),
    returns: count(facts['returns']),
    firstReturnedAt: finite(facts['first_returned_at']),
  }
}

function finite(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined
}

function count(value: unknown): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : 0
}

function base64Of(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function refused(why: string): DecodeError {
  return new DecodeError(`The element of the queue is no message of Celery: it ${why}.`)
}
