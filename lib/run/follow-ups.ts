import type { Outgoing } from '../broker/broker.ts'
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

/** Why the signatures in a body can't be followed by this version; undefined when they can. */
export function unsupportedFollowUp(embed: Embed): string | undefined {
  if (embed.chord !== undefined && embed.chord !== null) return 'It is part of a chord; chords are not supported yet.'
  for (const list of [embed.callbacks, embed.errbacks, embed.chain])
    for (const { subtask_type: kind } of list ?? [])
      if (kind !== null && kind !== undefined)
        return `A ${kind} is to follow it; signatures of that kind are not supported yet.`
  return undefined
}

interface Following {
  readonly job: Job
  readonly prepend: readonly unknown[]
  readonly chain?: readonly WireSignature[] | undefined
}

function prepared(signature: WireSignature, { job, prepend, chain }: Following, parts: AttemptParts): Outgoing {
  const { id, rootId } = job.headers
  const after: FollowedTask = { id, rootId: rootId ?? id, prepend, chain, now: parts.clock.now() }
  return parts.prepare(callOfSignature(signature, after, nextDefaults(job, parts)))
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
