import { types } from 'node:util'
import { ContentRefused, DecodeError, MessageTooLarge, NotSupported } from '../base/errors.ts'
import { checkCompression, decompress } from './compression.ts'
import type { MessageLimits } from './message-limits.ts'
import { readBodyV1, readMessageV1 } from './protocol-v1.ts'
import { readBodyV2 } from './protocol-v2.ts'
import type { Serializer, Serializers } from './serializer.ts'
import { checkHeaderSize, readTaskHeaders, shown } from './task-headers.ts'
import type { TaskBody, TaskHeaders } from './task-message.ts'
import { bodySizeBytes, type WireMessage, type WireProperties } from './wire-message.ts'

/** What a reader takes. `serializers` must have loaded what they accept. */
export interface ReadPolicy {
  readonly serializers: Serializers
  readonly limits: MessageLimits
}

export interface ReadMessage {
  readonly protocol: 1 | 2
  readonly headers: TaskHeaders
  /** Undefined where the headers told everything: {@link decodeBody} reads it then, where the task runs. */
  readonly body: TaskBody | undefined
}

/** Why a message can't be used; the words are those of dead letters. */
export type RefusalReason = 'undecodable' | 'malformed' | 'content-refused' | 'too-large' | 'unsupported'

/** A message that can't be used, and will not get better by trying again. */
export class MessageRefused extends DecodeError {
  readonly reason: RefusalReason
  constructor(reason: RefusalReason, message: string, options?: ErrorOptions) {
    super(message, options)
    this.reason = reason
  }
}

/**
 * Reads what a worker must know before it decides: headers, and the body only where they are in it (protocol 1). The content type, the
 * size and the compression are checked here already, so that what can't be decoded never gets as far as a slot.
 * @throws {MessageRefused} and nothing else, whatever the message is
 */
export function readMessage(wire: WireMessage, policy: ReadPolicy): ReadMessage {
  try {
    const table = headerTableOf(wire)
    checkHeaderSize(table, policy.limits)
    checkProperties(wire.properties)
    const serializer = serializerOf(wire, policy)
    const compression = table['compression']
    if (typeof compression === 'string') checkCompression(compression)
    if (isAbsent(table['task']))
      return { protocol: 1, ...readMessageV1(objectBody(decoded(wire, serializer, policy)), table, policy.limits) }
    if (!mayBeHybrid(wire)) return { protocol: 2, headers: readTaskHeaders(table), body: undefined }
    return { protocol: 2, ...readMessageV1(objectBody(decoded(wire, serializer, policy)), table, policy.limits) }
  } catch (error) {
    throw refusalOf(error)
  }
}

/**
 * Decodes the arguments and embedded signatures of a message, whatever its protocol.
 * @throws {MessageRefused} and nothing else, whatever the message is
 */
export function decodeBody(wire: WireMessage, policy: ReadPolicy): TaskBody {
  try {
    const body = decoded(wire, serializerOf(wire, policy), policy)
    return Array.isArray(body) ? readBodyV2(body, policy.limits) : readBodyV1(objectBody(body), policy.limits)
  } catch (error) {
    throw refusalOf(error)
  }
}

function headerTableOf(wire: WireMessage): Readonly<Record<string, unknown>> {
  const table: unknown = wire.headers ?? {}
  if (typeof table !== 'object' || table === null || Array.isArray(table))
    throw new DecodeError('Malformed message: its headers are no table.')
  return table as Record<string, unknown>
}

/** What each property is, where it is there. Senders in Python write numbers as text now and then. */
const propertyKinds = {
  correlationId: 'text',
  replyTo: 'text',
  deliveryMode: 'a number',
  priority: 'a number',
  expiration: 'text',
  messageId: 'text',
  timestamp: 'a number',
  type: 'text',
  userId: 'text',
  appId: 'text',
} as const satisfies Record<keyof WireProperties, string>

function checkProperties(properties: unknown): void {
  if (typeof properties !== 'object' || properties === null || Array.isArray(properties))
    throw new DecodeError('Malformed message: its properties are no table.')
  for (const name in properties) {
    const value = (properties as Record<string, unknown>)[name]
    if (isAbsent(value) || !Object.hasOwn(propertyKinds, name)) continue
    const kind = propertyKinds[name as keyof typeof propertyKinds]
    const fits = kind === 'text' ? typeof value === 'string' : isNumber(value)
    if (!fits)
      throw new DecodeError(`Malformed message: its property ${name} must be ${kind} or null, not ${shown(value)}.`)
  }
}

function isNumber(value: unknown): boolean {
  return typeof value === 'number' ? Number.isFinite(value) : typeof value === 'string' && /^-?\d{1,15}$/.test(value)
}

/** Refuses by content type, size and encoding; nothing was decoded or decompressed before. */
function serializerOf(wire: WireMessage, policy: ReadPolicy): Serializer {
  const { contentType, contentEncoding, body } = wire as { [Key in keyof WireMessage]: unknown }
  if (typeof contentType !== 'string' || contentType === '')
    throw new DecodeError('Malformed message: it has no content type.')
  const serializer = policy.serializers.accepted(contentType)
  if (serializer === undefined)
    throw new ContentRefused(
      `The content type ${JSON.stringify(contentType.slice(0, 80))} is not in acceptContent; the body was not decoded.`,
    )
  if (typeof body !== 'string' && !types.isUint8Array(body))
    throw new DecodeError('Malformed message: its body is neither text nor bytes.')
  const isSmall = typeof body === 'string' && body.length * 3 <= policy.limits.maxBytes
  if (!isSmall && bodySizeBytes(body) > policy.limits.maxBytes)
    throw new MessageTooLarge(
      `The message's body is ${bodySizeBytes(body)} bytes, over the limit of ${policy.limits.maxBytes} (taskMaxMessageSize).`,
    )
  if (!isAbsent(contentEncoding) && !knownEncodings.has(contentEncoding))
    throw new NotSupported(
      `The content encoding ${JSON.stringify(String(contentEncoding).slice(0, 80))} is not one of utf-8, us-ascii and binary.`,
    )
  return serializer
}

/** `us-ascii` is UTF-8 too; a body with other bytes fails as that. */
const knownEncodings = new Set<unknown>(['utf-8', 'binary', 'UTF-8', 'utf8', 'us-ascii', 'ascii', 'ascii-8bit', ''])

function decoded(wire: WireMessage, serializer: Serializer, policy: ReadPolicy): unknown {
  const compression = headerTableOf(wire)['compression']
  if (isAbsent(compression)) return decodedBy(serializer, wire.body)
  if (typeof compression !== 'string') throw new DecodeError('Malformed message: its compression header is no text.')
  const bytes = typeof wire.body === 'string' ? Buffer.from(wire.body) : wire.body
  return decodedBy(
    serializer,
    undecodableUnless(() => decompress(compression, bytes, policy.limits.maxDecompressedBytes)),
  )
}

function decodedBy(serializer: Serializer, body: string | Uint8Array): unknown {
  return undecodableUnless(() => serializer.decode(body))
}

/** Damaged data is `undecodable`; data that decodes into the wrong shape is `malformed`, and both are DecodeErrors. */
function undecodableUnless<T>(decode: () => T): T {
  try {
    return decode()
  } catch (error) {
    if (isTooLarge(error) || error instanceof NotSupported) throw error
    throw new MessageRefused('undecodable', `The body could not be decoded. ${messageOf(error)}`, { cause: error })
  }
}

function objectBody(body: unknown): object {
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body
  throw new DecodeError('Malformed message: it has no task header, and its body is no object that names a task.')
}

/**
 * Whether a message with protocol 2 headers has a protocol 1 body, by its first character: only those are objects. Under compression that
 * is not looked at: such a body is read all the same, but does not fill in headers.
 */
function mayBeHybrid({ headers, body, contentType }: WireMessage): boolean {
  if (!isAbsent(headers['compression'])) return false
  if (typeof body === 'string') return /^\s*\{/.test(body)
  if (contentType === 'application/json') {
    let at = 0
    while (body[at] === 0x20 || body[at] === 0x0a || body[at] === 0x0d || body[at] === 0x09) at++
    return body[at] === 0x7b
  }
  // MessagePack: the codes of maps.
  const first = body[0] ?? 0
  return (first >= 0x80 && first <= 0x8f) || first === 0xde || first === 0xdf
}

function isAbsent(value: unknown): value is null | undefined {
  return value === null || value === undefined
}

function refusalOf(error: unknown): MessageRefused {
  if (error instanceof MessageRefused) return error
  const reason = isTooLarge(error)
    ? 'too-large'
    : error instanceof ContentRefused
      ? 'content-refused'
      : error instanceof NotSupported
        ? 'unsupported'
        : 'malformed'
  return new MessageRefused(reason, messageOf(error), { cause: error })
}

/** By its code: a serializer that was loaded later may have the class from another copy of its module, as test runners make them. */
function isTooLarge(error: unknown): boolean {
  return error instanceof Error && (error as { code?: unknown }).code === 'UMBEL_MESSAGE_TOO_LARGE'
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : 'It could not be read.'
}
