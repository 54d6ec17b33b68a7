import { DecodeError } from '../base/errors.ts'
import { argsRepr, kwargsRepr } from './args-repr.ts'
import { readEmbed } from './embedded-signatures.ts'
import type { MessageLimits } from './message-limits.ts'
import { taskBody } from './protocol-v2.ts'
import { readTaskHeaders } from './task-headers.ts'
import type { TaskBody, TaskHeaders } from './task-message.ts'

/** What only a protocol 1 body says; in protocol 2 these are headers. */
const bodyHeaders = ['task', 'id', 'eta', 'expires', 'group_index', 'retries', 'timelimit'] as const

/**
 * Reads a body of protocol 1, an object with everything in it; only Celery 3 and `task_protocol = 1` send it, we never do.
 * With protocol 2 headers (the "hybrid" that the change-over knew) the body fills in headers that are absent.
 * @throws {DecodeError, MessageTooLarge, NotSupported}
 */
export function readMessageV1(
  body: object,
  table: Readonly<Record<string, unknown>>,
  limits: MessageLimits,
): { headers: TaskHeaders; body: TaskBody } {
  const fields = body as Record<string, unknown>
  const own = readBodyV1(body, limits)
  const merged = Object.create(null) as Record<string, unknown>
  for (const name in table) merged[name] = table[name]
  for (const name of bodyHeaders) merged[name] ??= fieldOf(fields, name)
  merged['group'] ??= fieldOf(fields, 'taskset') ?? fieldOf(fields, 'group')
  merged['argsrepr'] ??= argsRepr(own.args)
  merged['kwargsrepr'] ??= kwargsRepr(own.kwargs)
  return { headers: readTaskHeaders(merged), body: own }
}

/**
 * The arguments and links of a protocol 1 body. A chain came as nested callbacks there.
 * @throws {DecodeError, MessageTooLarge, NotSupported}
 */
export function readBodyV1(body: object, { maxSignatures }: MessageLimits): TaskBody {
  const fields = body as Record<string, unknown>
  if (!Object.hasOwn(fields, 'task') && !Object.hasOwn(fields, 'args'))
    throw new DecodeError(
      'Malformed message: its body is neither [args, kwargs, embed] nor an object with task and args.',
    )
  const { callbacks, errbacks, chord } = fields
  return taskBody({
    args: fieldOf(fields, 'args') ?? [],
    kwargs: fieldOf(fields, 'kwargs') ?? {},
    embed: readEmbed({ callbacks, errbacks, chain: null, chord }, maxSignatures),
  })
}

function fieldOf(fields: Record<string, unknown>, name: string): unknown {
  return Object.hasOwn(fields, name) ? fields[name] : undefined
}
