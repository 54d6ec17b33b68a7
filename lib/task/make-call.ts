import type { StandardSchemaV1 } from '@standard-schema/spec'
import { InvalidCall } from '../base/errors.ts'
import { newId } from '../base/task-id.ts'
import { isTable, isWireName, shown } from '../canvas/plain-value.ts'
import type { CallOptions } from '../canvas/signature.ts'
import { type WireOptions, wireOptionsOf } from '../canvas/wire-options.ts'
import { parseIsoTime } from '../message/iso-time.ts'
import type { Embed } from '../message/task-message.ts'
import type { Call, Destination } from '../publish/call.ts'
import { type Arguments, checkArguments, type ParamList, withNamedApart } from './params.ts'
import { andThen, type MaybePromise, validateInput } from './schema.ts'
import type { ParentTask } from './task-context.ts'
import {
  type EffectiveTaskOptions,
  effectiveTaskOptions,
  type Optioned,
  type TaskDefaults,
  type TaskOptions,
} from './task-options.ts'

/** App-wide defaults of a call. */
export interface CallDefaults extends TaskDefaults {
  /** `taskInheritParentPriority`. */
  readonly inheritParentPriority: boolean
  /** Where results are to be sent to, for backends that send them. */
  readonly replyTo?: string | undefined
  /** `gen<pid>@<host>`. */
  readonly origin?: string | undefined
}

/** What is called: a definition, or as much as is known of a task that lives elsewhere. */
export interface CallTarget {
  readonly name: string
  readonly options?: TaskOptions | undefined
  readonly params?: ParamList | undefined
  readonly input?: StandardSchemaV1 | undefined
  /** Only definitions have one; a task without is not known here, so its arguments can't be checked. */
  readonly fn?: unknown
}

/** {@link CallOptions} and keyword arguments. */
export interface CallInput extends CallOptions {
  kwargs?: Readonly<Record<string, unknown>> | undefined
}

/** Where and when a call is made. */
export interface CallSurroundings {
  readonly defaults: CallDefaults
  /** ms since the epoch. */
  readonly now: number
  /** The task that makes it. */
  readonly parent?: ParentTask | undefined
}

/** A call to be run here, as a worker would run it. */
export interface EagerCall {
  readonly args: readonly unknown[]
  readonly kwargs: Readonly<Record<string, unknown>>
  readonly options: CallOptions
}

/**
 * Everything that one call says, checked and merged (call over task over app), every time absolute. A task's `input` schema is left to
 * {@link prepareCall}, since it may be asynchronous.
 * @throws {InvalidCall} naming the option that is wrong
 * @throws {TypeError} when the arguments don't suit the task's `params`
 */
export function makeCall(
  target: CallTarget,
  args: readonly unknown[],
  options: CallInput,
  around: CallSurroundings,
): Call {
  const given = givenArguments(target, args, options)
  const wire = wireOptionsOf(options, target.name)
  return callOf(target, sentArguments(target, given), wire, around)
}

/**
 * As {@link makeCall}, with the arguments checked by the task's `input` schema too, where it is known.
 * @throws {InvalidCall, TypeError, SchemaRefused} or rejects with it, when the schema is asynchronous
 */
export function prepareCall(
  target: CallTarget,
  args: readonly unknown[],
  options: CallInput,
  around: CallSurroundings,
): MaybePromise<Call> {
  if (target.input === undefined) return makeCall(target, args, options, around)
  const { args: list, kwargs } = givenArguments(target, args, options)
  return prepareParts(target, { args: list, kwargs, options: wireOptionsOf(options, target.name) }, around)
}

/** A call's arguments and its checked options. */
export interface CallParts extends Arguments {
  readonly options: WireOptions
}

/**
 * As {@link prepareCall}, with options that were checked before.
 * @throws {TypeError, SchemaRefused} or rejects with it
 */
export function prepareParts(target: CallTarget, parts: CallParts, around: CallSurroundings): MaybePromise<Call> {
  if (target.input === undefined || target.options?.typing === false)
    return callOf(target, sentArguments(target, parts), parts.options, around)
  return andThen(validateInput(target, parts), (sent) => callOf(target, sent, parts.options, around))
}

/**
 * A call's arguments as they were given.
 * @throws {InvalidCall} when they are no list, or the keyword arguments no object
 */
export function givenArguments({ name }: CallTarget, args: unknown, { kwargs = noKwargs }: CallInput): Arguments {
  if (!isWireName(name)) throw new InvalidCall(`A task's name is text of 1 to 255 characters, not ${shown(name)}.`)
  if (!Array.isArray(args))
    throw new InvalidCall(`Arguments of ${name} must be a list, not ${shown(args)}. Write [${shown(args)}].`)
  if (kwargs !== noKwargs && !isTable(kwargs))
    throw new InvalidCall(`kwargs of ${name} must be an object, not ${shown(kwargs)}.`)
  return { args, kwargs }
}

const noKwargs: Readonly<Record<string, unknown>> = Object.freeze({})
const noHeaders: Readonly<Record<string, unknown>> = Object.freeze({})
const noEmbed: Embed = Object.freeze({})
const noTimeLimits = Object.freeze({})
/** Stands for tasks of which nothing is known but the name. */
const unknownTask: Optioned = { name: '', options: {} }

function sentArguments(target: CallTarget, given: Arguments): Arguments {
  // Of a task that lives elsewhere we don't know the parameters, unless its handle says them.
  if (target.params === undefined && (target.fn === undefined || target.input !== undefined)) return given
  if (target.options?.typing === false) return withNamedApart(target.params, given)
  return checkArguments(target, given.args, given.kwargs)
}

function callOf(target: CallTarget, sent: Arguments, options: WireOptions, around: CallSurroundings): Call {
  const { defaults, now, parent } = around
  const task = effectiveTaskOptions(target.options === undefined ? unknownTask : (target as Optioned), defaults)
  const id = options.task_id ?? newId()
  const inherited = defaults.inheritParentPriority ? parent?.priority : undefined
  return {
    task: target.name,
    id,
    args: sent.args,
    kwargs: sent.kwargs,
    embed: embedOf(options),
    destination: destinationOf(options, task),
    eta: options.countdown === undefined ? momentOf(options.eta, now) : now + options.countdown * 1000,
    expires: momentOf(options.expires, now) ?? (task.expiresMs === undefined ? undefined : now + task.expiresMs),
    retries: options.retries ?? 0,
    timeLimits: timeLimitsOf(options),
    serializer: options.serializer ?? task.serializer,
    compression: options.compression ?? task.compression,
    priority: options.priority ?? task.priority ?? inherited,
    deliveryMode: options.delivery_mode ?? task.deliveryMode,
    ignoreResult: options.ignore_result ?? task.ignoreResult,
    shadow: options.shadow,
    group: options.group_id,
    groupIndex: options.group_index,
    rootId: options.root_id ?? parent?.rootId ?? id,
    parentId: options.parent_id ?? parent?.id,
    replyTo: options.reply_to ?? defaults.replyTo,
    origin: defaults.origin,
    replacedTaskNesting: options.replaced_task_nesting ?? 0,
    stampedHeaders: options.stamped_headers,
    stamps: options.stamps ?? noHeaders,
    headers: options.headers ?? noHeaders,
    argsRepr: options.argsrepr,
    kwargsRepr: options.kwargsrepr,
    properties: propertiesOf(options),
  }
}

/** ISO text, or seconds from now; checked before. */
function momentOf(value: string | number | undefined, now: number): number | undefined {
  return typeof value === 'number' ? now + value * 1000 : value === undefined ? undefined : parseIsoTime(value)
}

function timeLimitsOf({ time_limit: hard, soft_time_limit: soft }: WireOptions): Call['timeLimits'] {
  return hard === undefined && soft === undefined ? noTimeLimits : { hard, soft }
}

function embedOf({ link, link_error: linkError, chain, chord }: WireOptions): Embed {
  if (link === undefined && linkError === undefined && chain === undefined && chord === undefined) return noEmbed
  return { callbacks: link, errbacks: linkError, chain, chord }
}

/** Whoever names a queue answers for the whole destination; else each part is the call's, or the task's. */
function destinationOf(call: WireOptions, task: EffectiveTaskOptions): Destination {
  if (call.queue !== undefined) return { queue: call.queue, exchange: call.exchange, routingKey: call.routing_key }
  return {
    queue: task.queue,
    exchange: call.exchange ?? task.exchange,
    routingKey: call.routing_key ?? task.routingKey,
  }
}

function propertiesOf(options: WireOptions): Readonly<Record<string, unknown>> {
  const { message_id: messageId, app_id: appId, user_id: userId, type, timestamp } = options
  if (
    messageId === undefined &&
    appId === undefined &&
    userId === undefined &&
    type === undefined &&
    timestamp === undefined
  )
    return noHeaders
  const given = Object.entries({ messageId, appId, userId, type, timestamp }).filter(([, value]) => value !== undefined)
  return Object.fromEntries(given)
}
