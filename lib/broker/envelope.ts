import { DecodeError, InvalidCall, Unserializable } from '../base/errors.ts'
import type { WireMessage, WireProperties } from '../message/wire-message.ts'
import type { Route } from './queue.ts'

/*
 * How brokers without a wire format of their own (memory, the embedded store) keep a message: one line of JSON with the keys `body`
 * (text) or `base64` (bytes), `headers`, `properties`, and, where they are not the usual ones, `type`, `encoding` and `route`.
 */

const usualType = 'application/json'
const usualEncoding = 'utf-8'
/** Deeper than any header has a use for, and far from the end of the stack. */
const maxDepth = 100

/**
 * The message as one line of text.
 * @param queue where it is kept; a route straight to that queue need not be written down
 * @throws {Unserializable} for a header or property that JSON can't hold; members that are undefined count as absent
 */
export function encodeEnvelope(message: WireMessage, route: Route, queue: string): string {
  const { headers, properties, contentType, contentEncoding, body } = message
  checkJsonMembers(headers, 'headers')
  checkJsonMembers(properties, 'properties')
  const isDirect = route.exchange === '' && route.routingKey === queue
  return JSON.stringify({
    body: typeof body === 'string' ? body : undefined,
    base64: typeof body === 'string' ? undefined : base64Of(body),
    headers,
    properties,
    type: contentType === usualType ? undefined : contentType,
    encoding: contentEncoding === usualEncoding ? undefined : contentEncoding,
    route: isDirect ? undefined : [route.exchange, route.routingKey],
  })
}

export interface Envelope {
  readonly message: WireMessage
  readonly route: Route
}

/**
 * Reads what {@link encodeEnvelope} wrote. Headers have no prototype, so that no key of a sender means anything but itself.
 * @throws {DecodeError}
 */
export function decodeEnvelope(text: string, queue: string): Envelope {
  const envelope = parse(text)
  const { headers, properties, type = usualType, encoding = usualEncoding, route } = envelope
  if (!isObject(headers) || !isObject(properties)) throw damaged('it has no headers or no properties')
  if (typeof type !== 'string' || typeof encoding !== 'string') throw damaged('its content type is no text')
  Object.setPrototypeOf(headers, null)
  return {
    message: {
      headers,
      properties: properties as WireProperties,
      contentType: type,
      contentEncoding: encoding,
      body: bodyOf(envelope),
    },
    route: route === undefined ? { exchange: '', routingKey: queue } : routeOf(route),
  }
}

/** Where lower numbers are served first: 0 unless the sender said otherwise, whole, from 0 to 255. */
export function priorityOf(message: WireMessage): number {
  const { priority } = message.properties as { priority?: unknown }
  // Python's senders write numbers as text now and then; what else stands there, its reader refuses.
  const given = typeof priority === 'number' || typeof priority === 'string' ? Math.trunc(Number(priority)) : 0
  return given > 0 ? Math.min(given, 255) : 0
}

/** When a message becomes ready, ms since the epoch; undefined for at once. @throws {InvalidCall} for what is no time */
export function dueTime(notBefore: number | undefined, now: number): number | undefined {
  if (notBefore === undefined) return undefined
  if (!Number.isFinite(notBefore))
    throw new InvalidCall(`notBefore must be a time in ms since the epoch, not ${notBefore}.`)
  return notBefore <= now ? undefined : Math.ceil(notBefore)
}

/** The task's id and name, where the headers tell. */
export function namesOf(message: Pick<WireMessage, 'headers'> | undefined): {
  taskId: string | undefined
  task: string | undefined
} {
  const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)
  return { taskId: text(message?.headers['id']), task: text(message?.headers['task']) }
}

function parse(text: string): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new DecodeError('The stored message is damaged: it is no JSON.', { cause })
  }
  if (!isObject(value)) throw damaged('it is no object')
  return value
}

function bodyOf({ body, base64 }: Record<string, unknown>): string | Uint8Array {
  if (typeof body === 'string') return body
  if (typeof base64 !== 'string') throw damaged('it has no body')
  const bytes = Buffer.from(base64, 'base64')
  // Small buffers are cut from a shared block, which would travel with them to another thread.
  return bytes.byteLength === bytes.buffer.byteLength ? new Uint8Array(bytes.buffer) : new Uint8Array(bytes)
}

function routeOf(route: unknown): Route {
  if (!Array.isArray(route) || typeof route[0] !== 'string' || typeof route[1] !== 'string')
    throw damaged('its route is no pair of texts')
  return { exchange: route[0], routingKey: route[1] }
}

function base64Of(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function damaged(why: string): DecodeError {
  return new DecodeError(`The stored message is damaged: ${why}.`)
}

/**
 * Refuses what JSON would lose or alter without a word; undefined members count as absent.
 * @param path what errors call the value: `headers`
 * @throws {Unserializable} naming the path of what can't be kept
 */
export function checkJsonMembers(value: object, path: string): void {
  checkMembers(value, path, 0)
}

function checkMembers(value: object, path: string, depth: number): void {
  const named = value as Record<string, unknown>
  for (const key in named) {
    const member = named[key]
    if (typeof member === 'string' || member === undefined || member === null) continue
    check(member, `${path}.${key}`, depth + 1)
  }
}

function check(value: unknown, path: string, depth: number): void {
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw cannotHold(path, `the number ${value}`)
  } else if (typeof value === 'object') checkObject(value, path, depth)
  else throw cannotHold(path, typeof value === 'bigint' ? `the BigInt ${value}n` : `a value of type ${typeof value}`)
}

function checkObject(value: object, path: string, depth: number): void {
  if (depth > maxDepth) throw cannotHold(path, `something nested over ${maxDepth} deep`)
  if (Array.isArray(value)) {
    // By number: a hole counts as undefined, which JSON would make null.
    for (let i = 0; i < value.length; i++) check(value[i], `${path}[${i}]`, depth + 1)
  } else if (isPlain(value)) checkMembers(value, path, depth)
  else throw cannotHold(path, `an object of class ${value.constructor?.name ?? 'unknown'}`)
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || prototype === Object.prototype
}

function cannotHold(path: string, what: string): Unserializable {
  return new Unserializable(
    `Cannot keep the message: ${path} holds ${what}, and headers and properties are kept as JSON. Send text, a number, true, false, null, or lists and plain objects of those.`,
  )
}
