import { Unroutable } from '../base/errors.ts'
import type { DeadLetterReason, Outgoing } from '../broker/broker.ts'
import { textOf } from '../message/error-text.ts'
import type { Embed, TaskBody, WireSignature } from '../message/task-message.ts'
import type { Call } from '../publish/call.ts'
import { callOfSignature, type FollowedTask, type NextCallDefaults } from '../publish/next-calls.ts'
import type { AttemptParts } from './attempt-parts.ts'
import type { Job } from './job.ts'

/**
 * What is sent because a task succeeded: its links, and the next step of its chain, each with the result in front of its arguments.
 * @throws {Unserializable, MessageTooLarge, Unroutable, DecodeError} when one of them can't be sent
 */
export function afterSuccess(job: Job, embed: Embed, value: unknown, parts: AttemptParts): readonly Outgoing[] {
  if (embed.callbacks == null && embed.chain == null) return nothing
  const prepend = [value]
  const follow = (embed.callbacks ?? []).map((link) => prepared(link, { job, prepend }, parts))
  // Reversed on the wire: the next step is the last element, and takes the others with it.
  const step = embed.chain?.at(-1)
  if (step !== undefined) follow.push(prepared(step, { job, prepend, chain: embed.chain!.slice(0, -1) }, parts))
  return follow
}

/** What is sent because a task failed: its error links, with the failed id in front. One that can't be sent is logged and left out. */
export function afterFailure(job: Job, embed: Embed, parts: AttemptParts): Outgoing[] {
  return (embed.errbacks ?? []).flatMap((link) => {
    try {
      return [prepared(link, { job, prepend: [job.headers.id] }, parts)]
    } catch (error) {
      const { id, task } = job.headers
      parts.logger.error({ id, task, err: error }, `The error callback ${link.task} of this task cannot be sent.`)
      return []
    }
  })
}

const nothing: readonly Outgoing[] = Object.freeze([])

/** What of a retry differs from the run before. */
export interface RetryChange {
  /** ms since the epoch; undefined for at once. */
  readonly notBefore: number | undefined
  readonly args?: readonly unknown[] | undefined
  readonly kwargs?: Readonly<Record<string, unknown>> | undefined
}

/**
 * The same task again: same id, group, links, chain and limits, one retry more, back to where it came from.
 * @throws {Unserializable, MessageTooLarge}
 */
export function retryOf(job: Job, body: TaskBody, change: RetryChange, parts: AttemptParts): Outgoing {
  const { headers, message, route } = job
  const { replyTo, deliveryMode, priority, messageId, appId, userId, type, timestamp } = message.properties
  const call: Call = {
    task: headers.task,
    id: headers.id,
    args: change.args ?? body.args,
    kwargs: change.kwargs ?? body.kwargs,
    embed: body.embed,
    destination: { exchange: route.exchange, routingKey: route.routingKey },
    eta: change.notBefore,
    expires: headers.expires,
    retries: headers.retries + 1,
    timeLimits: headers.timeLimits,
    serializer: message.contentType,
    compression: headers.compression,
    priority,
    deliveryMode: deliveryMode === 1 ? 1 : 2,
    ignoreResult: headers.ignoreResult ?? false,
    shadow: headers.shadow,
    group: headers.group,
    groupIndex: headers.groupIndex,
    rootId: headers.rootId ?? headers.id,
    // As in Celery: the sender is the task itself (wire format: task messages, section 10).
    parentId: headers.id,
    replyTo,
    origin: headers.origin,
    replacedTaskNesting: headers.replacedTaskNesting,
    stampedHeaders: headers.stampedHeaders,
    stamps: headers.stamps,
    headers: sendableHeaders(headers.custom),
    properties: {
      ...textsOf({ messageId, appId, userId, type }),
      ...(typeof timestamp === 'number' && { timestamp }),
    },
  }
  return parts.prepare(call)
}

/** Why the task of these signatures is not to be run, since they can't be followed; undefined when they can. */
export function refusalOfFollowUps(job: Job, embed: Embed, parts: AttemptParts): FollowUpRefusal | undefined {
  const unsupported = unsupportedFollowUp(embed)
  if (unsupported !== undefined) return { reason: 'unsupported', detail: unsupported }
  try {
    tryFollowUps(job, embed, parts)
    return undefined
  } catch (error) {
    const { code } = error as { code?: unknown }
    // A user's route function may stumble over arguments without the result in front; it is asked again when there is one.
    if (typeof code !== 'string' || !code.startsWith('UMBEL_')) return undefined
    return { reason: reasonOf.get(code) ?? 'malformed', detail: textOf(error, 500) }
  }
}

/** A dead letter's reason and detail. */
interface FollowUpRefusal {
  readonly reason: DeadLetterReason
  readonly detail: string
}

/** By the error's code; anything else is malformed. */
const reasonOf = new Map<string, DeadLetterReason>([
  ['UMBEL_NOT_SUPPORTED', 'unsupported'],
  ['UMBEL_UNROUTABLE', 'content-refused'],
  ['UMBEL_MESSAGE_TOO_LARGE', 'too-large'],
])

function unsupportedFollowUp(embed: Embed): string | undefined {
  if (embed.chord !== undefined && embed.chord !== null) return 'It is part of a chord; chords are not supported yet.'
  for (const list of [embed.callbacks, embed.errbacks, embed.chain])
    for (const { subtask_type: kind } of list ?? [])
      if (kind !== null && kind !== undefined)
        return `A ${kind} is to follow it; signatures of that kind are not supported yet.`
  return undefined
}

/**
 * Tries what the signatures of a body ask for before the task runs: options of a wrong type, a queue, exchange,
 * serializer or compression that is not to be had. Else a task would do its work first and fail over them afterwards.
 * @throws {DecodeError, InvalidCall, NotSupported, Unroutable, MessageTooLarge}
 */
function tryFollowUps(job: Job, { callbacks, errbacks, chain }: Embed, parts: AttemptParts): void {
  if (callbacks == null && errbacks == null && chain == null) return
  // Of a chain the next step alone: those behind it are tried by the tasks before them.
  const next = chain?.at(-1)
  for (const signature of [...(callbacks ?? []), ...(errbacks ?? []), ...(next === undefined ? [] : [next])]) {
    const { options } = signature
    const { link: _link, link_error: _linkError, chain: _chain, chord: _chord, ...own } = options
    const call = callOfSignature({ ...signature, options: own }, afterOf(job, [], parts), nextDefaults(job, parts))
    const { exchange } = parts.prepare(call).route
    if (!parts.knowsExchange(exchange))
      throw new Unroutable(
        `Cannot send ${call.task} as a follow-up: its exchange "${exchange.slice(0, 80)}" belongs to no queue in taskQueues.`,
      )
  }
}

interface Following {
  readonly job: Job
  readonly prepend: readonly unknown[]
  readonly chain?: readonly WireSignature[] | undefined
}

function prepared(signature: WireSignature, { job, prepend, chain }: Following, parts: AttemptParts): Outgoing {
  return parts.prepare(callOfSignature(signature, { ...afterOf(job, prepend, parts), chain }, nextDefaults(job, parts)))
}

function afterOf({ headers: { id, rootId } }: Job, prepend: readonly unknown[], { clock }: AttemptParts): FollowedTask {
  return { id, rootId: rootId ?? id, prepend, now: clock.now() }
}

function nextDefaults(job: Job, { defaults, inheritsPriority }: AttemptParts): NextCallDefaults {
  const { serializer, compression, deliveryMode } = defaults
  return {
    serializer,
    compression,
    deliveryMode,
    priority: inheritsPriority ? job.message.properties.priority : undefined,
  }
}

/** A foreign sender may have put anything there; what can't be sent again is left out. */
function textsOf(properties: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(properties).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  )
}

// RabbitMQ would see a cycle in a message that says it died before, and drop it. And __proto__ is a name that nobody can send.
function sendableHeaders(custom: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const kept: Record<string, unknown> = Object.create(null)
  for (const name of Object.keys(custom))
    if (!/^(x-(death|(first|last)-death-|delivery-count|acquired-count)|__proto__$)/i.test(name))
      kept[name] = custom[name]
  return kept
}
