import { DecodeError, InvalidCall, MessageTooLarge, Unserializable } from '../base/errors.ts'
import { argsRepr, kwargsRepr } from './args-repr.ts'
import { compress } from './compression.ts'
import { checkSignatureCount, readEmbed } from './embedded-signatures.ts'
import { formatIsoTime } from './iso-time.ts'
import { encodeJson } from './json-encoder.ts'
import type { MessageLimits } from './message-limits.ts'
import type { Serializer } from './serializer.ts'
import { checkHeaderSize, isProtocolHeader } from './task-headers.ts'
import type { Embed, TaskBody, TaskHeaders, TaskMessage } from './task-message.ts'
import { bodySizeBytes, type WireMessage, type WireProperties } from './wire-message.ts'

export interface EncodeOptions {
  readonly serializer: Serializer
  /** A name for {@link compress}; left out, the body travels as it is. */
  readonly compression?: string | undefined
  readonly limits: MessageLimits
  /** What to show instead of the arguments; made from them where neither this nor the message's headers say. */
  readonly argsRepr?: string | undefined
  readonly kwargsRepr?: string | undefined
}

/**
 * A task message as Celery's protocol 2 sends it. What Python's readers take as absent is left out: a null header, `retries` 0, empty
 * stamps, empty callbacks.
 * @throws {Unserializable} naming the argument: `args[1].when`, `kwargs.file`, `headers["x-trace"]`
 * @throws {MessageTooLarge} body or headers over the limits, so that no reader with the same limits would take it
 * @throws {InvalidCall} a custom header or property that is not the application's to set
 * @throws {NotSupported} a compression that this process does not have
 */
export function encodeTaskMessage(message: TaskMessage, options: EncodeOptions): WireMessage {
  const { serializer, limits } = options
  checkSignatureCount(message.embed, limits.maxSignatures)
  const encoded = serializer.encode(
    [message.args, message.kwargs, presentEmbed(message.embed)],
    ['args', 'kwargs', 'embed'],
  )
  const headers = headerTable(message, options)
  let body = encoded
  checkBodySize(message, encoded, limits.maxDecompressedBytes, 'uncompressed ')
  if (options.compression !== undefined) {
    const compressed = compress(options.compression, encoded)
    headers['compression'] = compressed.contentType
    body = compressed.data
  }
  checkBodySize(message, body, limits.maxBytes, '')
  checkHeaderSize(headers, limits)
  return {
    headers,
    properties: propertiesOf(message),
    contentType: serializer.contentType,
    contentEncoding: serializer.contentEncoding,
    body,
  }
}

/**
 * The parts of a decoded protocol 2 body.
 * @throws {DecodeError, MessageTooLarge, NotSupported} as {@link readEmbed}
 */
export function readBodyV2(body: readonly unknown[], { maxSignatures }: MessageLimits): TaskBody {
  if (body.length !== 3)
    throw new DecodeError(`Malformed message: the body must be [args, kwargs, embed], but has ${body.length} elements.`)
  return taskBody({ args: body[0], kwargs: body[1], embed: readEmbed(body[2], maxSignatures) })
}

/**
 * Checks the arguments of a body, in whichever protocol it came.
 * @throws {DecodeError}
 */
export function taskBody({ args, kwargs, embed }: { args: unknown; kwargs: unknown; embed: Embed }): TaskBody {
  if (!Array.isArray(args)) throw new DecodeError('Malformed message: the positional arguments are no list.')
  const prototype = typeof kwargs === 'object' && kwargs !== null ? Object.getPrototypeOf(kwargs) : undefined
  if (Array.isArray(kwargs) || (prototype !== Object.prototype && prototype !== null))
    throw new DecodeError('Malformed message: the keyword arguments are no object.')
  const named = Object.create(null) as Record<string, unknown>
  // Without a prototype, __proto__ is a name like any other.
  for (const name of Object.keys(kwargs as object)) named[name] = (kwargs as Record<string, unknown>)[name]
  return { args, kwargs: named, embed }
}

function presentEmbed({ callbacks, errbacks, chain, chord }: Embed): Record<string, unknown> {
  const present: Record<string, unknown> = {}
  if (callbacks != null) present['callbacks'] = callbacks
  if (errbacks != null) present['errbacks'] = errbacks
  if (chain != null) present['chain'] = chain
  if (chord != null) present['chord'] = chord
  return present
}

function headerTable(message: TaskMessage, options: EncodeOptions): Record<string, unknown> {
  const { headers } = message
  const table: Record<string, unknown> = {
    lang: 'js',
    task: sendable(headers.task, 'task name'),
    id: sendable(headers.id, 'task id'),
    root_id: headers.rootId ?? headers.id,
    argsrepr: options.argsRepr ?? (headers.argsRepr !== '' ? headers.argsRepr : argsRepr(message.args)),
    kwargsrepr: options.kwargsRepr ?? (headers.kwargsRepr !== '' ? headers.kwargsRepr : kwargsRepr(message.kwargs)),
  }
  if (headers.origin !== undefined) table['origin'] = headers.origin
  if (headers.ignoreResult !== undefined) table['ignore_result'] = headers.ignoreResult
  if (headers.retries !== 0) table['retries'] = headers.retries
  if (headers.shadow !== undefined) table['shadow'] = headers.shadow
  if (headers.eta !== undefined) table['eta'] = formatIsoTime(headers.eta)
  if (headers.expires !== undefined) table['expires'] = formatIsoTime(headers.expires)
  if (headers.parentId !== undefined) table['parent_id'] = headers.parentId
  if (headers.group !== undefined) table['group'] = headers.group
  if (headers.groupIndex !== undefined) table['group_index'] = headers.groupIndex
  const { hard, soft } = headers.timeLimits
  if (hard !== undefined || soft !== undefined) table['timelimit'] = [hard ?? null, soft ?? null]
  if (headers.replacedTaskNesting !== 0) table['replaced_task_nesting'] = headers.replacedTaskNesting
  addData(table, headers, options.limits)
  return table
}

/** Stamps and custom headers: the application's own values, which must be plain data on every broker. */
function addData(table: Record<string, unknown>, headers: TaskHeaders, limits: MessageLimits): void {
  const { stampedHeaders, stamps, custom } = headers
  const isStamped = stampedHeaders !== undefined && stampedHeaders.length > 0
  if (isStamped) table['stamped_headers'] = stampedHeaders
  // A Python worker that looks for revoked stamps takes for granted that both are there.
  if (isStamped || hasMembers(stamps)) table['stamps'] = plainData(stamps, ['stamps'], limits)
  for (const name in custom) {
    if (isProtocolHeader(name))
      throw new InvalidCall(
        `The header "${name}" of task ${headers.task} belongs to the protocol. Use the call option of that meaning, or another name.`,
      )
    const value = custom[name]
    if (value !== undefined) table[name] = plainData(value, ['headers', name], limits)
  }
}

function hasMembers(object: object): boolean {
  for (const _ in object) return true
  return false
}

/**
 * A value as JSON data, which brokers may write without our serializer: dates and bytes are kombu's pairs.
 * @throws {Unserializable} also for numbers that plain JSON alters
 */
function plainData(value: unknown, path: readonly [root: string, name?: string], limits: MessageLimits): unknown {
  if (typeof value === 'string' || value === null || typeof value === 'boolean') return value
  if (typeof value === 'number' && Number.isFinite(value)) return value
  const [root, name] = path
  const text = encodeJson(
    [name === undefined ? value : { [name]: value }],
    { typedValues: 'kombu', maxDepth: limits.maxDepth },
    [root],
  )
  try {
    const [data] = JSON.parse(text) as [Record<string, unknown>]
    if (JSON.stringify([data]) === text) return name === undefined ? data : data[name]
  } catch {
    // NaN and Infinity are no JSON: refused below, as what JSON would alter.
  }
  const where = name === undefined ? root : `${root}[${JSON.stringify(name)}]`
  throw new Unserializable(
    `${where} holds a number that headers cannot carry (beyond 2^53, NaN or Infinity). Send it as a string.`,
  )
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: refusing them is the point; names and ids go into keys, logs and terminals
const sendableText = /^[^\u0000-\u001f\u007f-\u009f]{1,255}$/

/** Wider than what we read: a Python worker may have named its tasks otherwise. */
function sendable(text: string, what: string): string {
  if (typeof text === 'string' && sendableText.test(text)) return text
  throw new InvalidCall(
    `A ${what} must have 1 to 255 characters and none of them a control character, unlike ${JSON.stringify(String(text).slice(0, 60))}.`,
  )
}

const propertyTypes = {
  messageId: 'string',
  timestamp: 'number',
  type: 'string',
  userId: 'string',
  appId: 'string',
  expiration: 'string',
} as const

function propertiesOf(message: TaskMessage): WireProperties {
  const properties: Record<string, unknown> = {
    correlationId: message.headers.id,
    deliveryMode: message.deliveryMode ?? 2,
  }
  if (message.replyTo !== undefined) properties['replyTo'] = message.replyTo
  if (message.priority !== undefined) properties['priority'] = message.priority
  for (const name in message.properties) {
    const value = message.properties[name]
    if (value === undefined) continue
    const wanted = Object.hasOwn(propertyTypes, name) ? propertyTypes[name as keyof typeof propertyTypes] : undefined
    if (wanted === undefined || typeof value !== wanted) {
      const known = Object.keys(propertyTypes).join(', ')
      const problem = wanted === undefined ? `is none that a caller may set (${known})` : `must be a ${wanted}`
      throw new InvalidCall(`The message property "${name.slice(0, 60)}" of task ${message.headers.task} ${problem}.`)
    }
    properties[name] = value
  }
  return properties
}

function checkBodySize(message: TaskMessage, body: string | Uint8Array, maxBytes: number, which: string): void {
  // A UTF-16 unit is at most three bytes of UTF-8: short texts need no count.
  if (typeof body === 'string' && body.length * 3 <= maxBytes) return
  const size = bodySizeBytes(body)
  if (size <= maxBytes) return
  throw new MessageTooLarge(
    `Could not send task ${message.headers.task}: its ${which}body is ${size} bytes, over the limit of ${maxBytes} (taskMaxMessageSize). ` +
      'Store the data elsewhere and send a reference to it.',
  )
}
