import { type Duration, durationMs, limitMs } from '../base/duration.ts'
import { InvalidCall } from '../base/errors.ts'
import { nearestName } from '../base/nearest-name.ts'
import { formatIsoTime, parseIsoTime } from '../message/iso-time.ts'
import type { WireSignature } from '../message/task-message.ts'
import { isTable, isWireName, shown } from './plain-value.ts'
import { readWireSignature } from './wire-signature.ts'

/**
 * Options of a call under the names that Celery's `apply_async` and the `options` of a signature have for them, each checked. Times stay
 * relative where they were given so: they count from the moment the call is sent.
 */
export interface WireOptions {
  readonly task_id?: string
  /** Seconds. */
  readonly countdown?: number
  /** ISO 8601. */
  readonly eta?: string
  /** Seconds from the sending, or ISO 8601. */
  readonly expires?: number | string
  readonly queue?: string
  readonly exchange?: string
  readonly routing_key?: string
  readonly priority?: number
  readonly serializer?: string
  readonly compression?: string
  readonly shadow?: string
  readonly ignore_result?: boolean
  /** Seconds. */
  readonly time_limit?: number
  /** Seconds. */
  readonly soft_time_limit?: number
  readonly headers?: Readonly<Record<string, unknown>>
  readonly link?: readonly WireSignature[]
  readonly link_error?: readonly WireSignature[]
  readonly delivery_mode?: 1 | 2
  readonly reply_to?: string
  readonly message_id?: string
  readonly app_id?: string
  readonly user_id?: string
  readonly type?: string
  readonly timestamp?: number
  readonly argsrepr?: string
  readonly kwargsrepr?: string
  // What only senders of canvases write, never a user's call:
  readonly retries?: number
  readonly group_id?: string
  readonly group_index?: number
  readonly root_id?: string
  readonly parent_id?: string
  readonly chord?: WireSignature
  readonly chain?: readonly WireSignature[]
  readonly replaced_task_nesting?: number
  readonly stamped_headers?: readonly string[]
  /** Gathered: on the wire they stand flat among the options, under the names in `stamped_headers`. */
  readonly stamps?: Readonly<Record<string, unknown>>
}

/**
 * Checks a caller's options and renames them for the wire. Options that are undefined count as absent; `kwargs` and `immutable` are no
 * options of the message and are left to the caller.
 * @param what whose options they are, as errors shall name it: `math.add`
 * @throws {InvalidCall} naming the option; the nearest right name of an unknown one
 */
export function wireOptionsOf(options: object, what: string): WireOptions {
  const wire: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || name === 'kwargs' || name === 'immutable') continue
    const option = userOptions.get(name)
    if (option === undefined) throw unknownOption(name, what)
    wire[option.wire] = option.read(value, `${name} of ${what}`)
  }
  checkTogether(wire, what)
  return wire
}

/**
 * Checks the options of a signature that came from elsewhere. What is null counts as absent, what we don't know is left out.
 * @throws {InvalidCall} naming the option
 */
export function readWireOptions(options: Readonly<Record<string, unknown>>, what: string): WireOptions {
  const wire: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(options)) {
    const read = wireReaders.get(name)
    if (read !== undefined && value !== undefined && value !== null) wire[name] = read(value, `${name} of ${what}`)
  }
  const stamped = (wire as WireOptions).stamped_headers ?? []
  const stamps = stamped.filter((name) => Object.hasOwn(options, name)).map((name) => [name, options[name]] as const)
  if (stamps.length > 0) wire['stamps'] = Object.fromEntries(stamps)
  checkTogether(wire, what)
  return wire
}

/** Call-time options over a signature's own; a due time given in either form replaces the other form. */
export function mergeWireOptions(own: object, given: object): Record<string, unknown> {
  const merged: Record<string, unknown> = { ...own, ...given }
  if (Object.hasOwn(given, 'eta')) delete merged['countdown']
  if (Object.hasOwn(given, 'countdown')) delete merged['eta']
  return merged
}

/**
 * A moment as ISO 8601, checked.
 * @throws {InvalidCall}
 */
export function isoTimeOf(value: unknown, what: string): string {
  if (value instanceof Date && !Number.isNaN(value.getTime())) return formatIsoTime(value.getTime())
  if (typeof value === 'string' && parseIsoTime(value) !== undefined) return value
  const hint = typeof value === 'number' ? ' Write new Date(ms), or use countdown for a number of seconds.' : ''
  throw new InvalidCall(
    `${what} must be a Date or ISO 8601 text such as '2026-11-22T10:00:00Z', not ${shown(value)}.${hint}`,
  )
}

type Read = (value: unknown, what: string) => unknown

const check =
  (wanted: string, fits: (value: unknown) => boolean): Read =>
  (value, what) => {
    if (fits(value)) return value
    throw new InvalidCall(`${what} must be ${wanted}, not ${shown(value)}.`)
  }

const text = check('text', (value) => typeof value === 'string')
const flag = check('true or false', (value) => typeof value === 'boolean')
const wireName = check('text of 1 to 255 characters, no control characters', isWireName)
const count = check('a whole number, 0 or more', (value) => Number.isSafeInteger(value) && (value as number) >= 0)
const seconds: Read = (value, what) => durationMs(value as Duration, what) / 1000
const limitSeconds: Read = (value, what) => limitMs(value as Duration, what) / 1000

const expiry: Read = (value, what) => {
  if (value instanceof Date || (typeof value === 'string' && value.includes('-'))) return isoTimeOf(value, what)
  return seconds(value, what)
}

const links: Read = (value, what) =>
  (Array.isArray(value) ? value : [value]).map((item: unknown) => readWireSignature(dataOf(item), what))

const oneLink: Read = (value, what) => readWireSignature(dataOf(value), what)

/** Names that the protocol uses itself (wire format, section 2). Celery lets a custom header replace them, which breaks the message. */
const protocolHeaders = new Set(
  (
    'lang task id shadow eta expires group group_index retries timelimit root_id parent_id argsrepr kwargsrepr origin ignore_result ' +
    'replaced_task_nesting stamped_headers stamps compression redelivered'
  ).split(' '),
)

const headers: Read = (value, what) => {
  if (!isTable(value)) throw new InvalidCall(`${what} must be an object, not ${shown(value)}.`)
  for (const name of Object.keys(value)) {
    if (protocolHeaders.has(name))
      throw new InvalidCall(
        `${what}: "${name}" is a header of the protocol itself. Choose another name, "x-${name}" say.`,
      )
    if (!isWireName(name)) throw new InvalidCall(`${what}: ${shown(name)} is no name for a header.`)
  }
  return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined))
}

interface OptionRow {
  readonly wire: string
  readonly read: Read
}

const userOptions = new Map<string, OptionRow>([
  ['taskId', { wire: 'task_id', read: wireName }],
  ['countdown', { wire: 'countdown', read: seconds }],
  ['eta', { wire: 'eta', read: isoTimeOf }],
  ['expires', { wire: 'expires', read: expiry }],
  ['queue', { wire: 'queue', read: wireName }],
  ['exchange', { wire: 'exchange', read: text }],
  ['routingKey', { wire: 'routing_key', read: text }],
  ['priority', { wire: 'priority', read: check('a whole number from 0 to 255', isPriority) }],
  ['serializer', { wire: 'serializer', read: wireName }],
  ['compression', { wire: 'compression', read: wireName }],
  ['shadow', { wire: 'shadow', read: wireName }],
  ['ignoreResult', { wire: 'ignore_result', read: flag }],
  ['timeLimit', { wire: 'time_limit', read: limitSeconds }],
  ['softTimeLimit', { wire: 'soft_time_limit', read: limitSeconds }],
  ['headers', { wire: 'headers', read: headers }],
  ['link', { wire: 'link', read: links }],
  ['linkError', { wire: 'link_error', read: links }],
  ['deliveryMode', { wire: 'delivery_mode', read: check('1 (transient) or 2 (persistent)', isDeliveryMode) }],
  ['replyTo', { wire: 'reply_to', read: wireName }],
  ['messageId', { wire: 'message_id', read: wireName }],
  ['appId', { wire: 'app_id', read: wireName }],
  ['userId', { wire: 'user_id', read: wireName }],
  ['type', { wire: 'type', read: wireName }],
  ['timestamp', { wire: 'timestamp', read: count }],
  ['argsRepr', { wire: 'argsrepr', read: text }],
  ['kwargsRepr', { wire: 'kwargsrepr', read: text }],
])

const wireReaders = new Map<string, Read>([
  ...[...userOptions.values()].map(({ wire, read }) => [wire, read] as const),
  // On the wire a number is surely seconds, also one over a day.
  ['time_limit', seconds],
  ['soft_time_limit', seconds],
  ['retries', count],
  ['group_id', wireName],
  ['group_index', count],
  ['root_id', wireName],
  ['parent_id', wireName],
  ['replaced_task_nesting', count],
  ['chord', oneLink],
  ['chain', links],
  ['stamped_headers', check('a list of names', (value) => Array.isArray(value) && value.every(isWireName))],
])

function checkTogether(wire: WireOptions, what: string): void {
  if (wire.countdown !== undefined && wire.eta !== undefined)
    throw new InvalidCall(`${what} was given both countdown and eta; give one: they say the same thing in two ways.`)
  const { time_limit: hard, soft_time_limit: soft } = wire
  if (hard !== undefined && soft !== undefined && soft > hard)
    throw new InvalidCall(
      `softTimeLimit of ${what} (${soft} s) is over its timeLimit (${hard} s), so it would never come. Make it the smaller one.`,
    )
}

function unknownOption(name: string, what: string): InvalidCall {
  const nearest = nearestName(name, userOptions.keys())
  const hint = nearest === undefined ? `Known are ${[...userOptions.keys()].join(', ')}.` : `Did you mean "${nearest}"?`
  return new InvalidCall(`Unknown option ${shown(name)} of ${what}. ${hint}`)
}

/** A signature's plain data; anything else stays what it is, for the error to name. */
function dataOf(value: unknown): unknown {
  const given = value as { toJSON?: unknown } | null | undefined
  return typeof value === 'object' && typeof given?.toJSON === 'function' ? given.toJSON() : value
}

/** True for a priority as messages carry it; its meaning is the broker's. */
export function isPriority(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 255
}

/** 1 is transient, 2 persistent. */
export function isDeliveryMode(value: unknown): value is 1 | 2 {
  return value === 1 || value === 2
}
