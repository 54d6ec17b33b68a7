import type { Logger, LogLevel } from '../../lib/base/logger.ts'
import { maskUrl } from '../../lib/base/mask-secrets.ts'
import type { TaskEvent } from '../../lib/hook/hooks.ts'
import type { ErrorRecord } from '../../lib/message/encoded.ts'
import { textOf } from '../../lib/message/error-text.ts'
import type { Outcome } from '../../lib/run/outcome.ts'
import type { Refusal, Request } from './request.ts'
import type { WorkParts } from './work-parts.ts'

/** A request was claimed and its headers read. */
export function reportReceived(request: Request, { events, logger, hostname }: WorkParts): void {
  if (events.hears('taskReceived')) events.emit('taskReceived', eventOf(request, hostname))
  if (!logs(logger, 'debug')) return
  const { id, task, retries } = request.headers
  const { queue, redelivered } = request.delivery
  logger.debug({ id, task, queue, retries, redelivered }, `Task ${task} received`)
}

/** A request has ended, or will be tried again. */
export function reportOutcome(request: Request, outcome: Outcome, parts: WorkParts): void {
  const { events, logger, hostname } = parts
  if (outcome.kind === 'succeeded') {
    if (logs(logger, 'info'))
      logger.info(fieldsOf(request, outcome), `Task ${nameOf(request)} succeeded${took(outcome)}`)
    return
  }
  if (outcome.kind === 'revoked' && events.hears('taskRevoked'))
    events.emit('taskRevoked', { ...eventOf(request, hostname), reason: outcome.reason })
  if (outcome.kind === 'refused' && events.hears('taskRejected')) {
    const { reason, detail } = outcome
    const { id, task } = request.headers
    events.emit('taskRejected', { id, task, queue: request.delivery.queue, reason, detail })
  }
  const { level, text, more } = describe(outcome)
  if (logs(logger, level)) logger[level]({ ...fieldsOf(request, outcome), ...more }, `Task ${nameOf(request)} ${text}`)
}

/** The message names a task that is not registered here. */
export function reportUnknown(request: Request, notBefore: number | undefined, parts: WorkParts): void {
  const { events, logger, hostname } = parts
  if (events.hears('taskUnknown')) events.emit('taskUnknown', eventOf(request, hostname))
  const { id, task } = request.headers
  const { queue, returns } = request.delivery
  // One line for a message, not one for each time that it comes by.
  const level = returns === 0 ? 'warn' : 'debug'
  if (logs(logger, level))
    logger[level](
      { id, task, queue, returns, notBefore },
      `Task ${task} is not registered here; its message is given back. Import the module that defines it, or give it a queue of its own.`,
    )
}

/** The headers of a message can't be used. */
export function reportRefused({ delivery, reason, detail, id, task }: Refusal, { events, logger }: WorkParts): void {
  const { queue } = delivery
  if (events.hears('taskRejected')) events.emit('taskRejected', { id, task, queue, reason, detail })
  logger.error({ id, task, queue, reason }, `A message in queue "${queue}" was set aside as a dead letter: ${detail}`)
}

interface Description {
  readonly level: 'info' | 'warn' | 'error'
  readonly text: string
  readonly more?: object | undefined
}

function describe(outcome: Exclude<Outcome, { kind: 'succeeded' }>): Description {
  switch (outcome.kind) {
    case 'retry':
      return { level: 'warn', text: `failed${took(outcome)} and is tried again: ${errorText(outcome.error)}` }
    case 'failed': {
      const text = `failed${took(outcome)}: ${errorText(outcome.error)}`
      if (outcome.expected) return { level: 'info', text }
      const err = { type: outcome.error.exc_type, message: errorText(outcome.error), stack: maskUrl(outcome.traceback) }
      return { level: 'error', text, more: { err } }
    }
    case 'timed-out':
      return {
        level: 'error',
        text: `ran longer than its hard time limit of ${outcome.limitMs / 1000} s and was ended`,
      }
    case 'rejected':
      return {
        level: 'warn',
        text: `rejected its message${outcome.requeue ? ', which is given back' : ''}: ${outcome.reason}`,
      }
    case 'ignored':
      return { level: 'info', text: `asked to be ignored${took(outcome)}` }
    case 'revoked':
      return {
        level: 'warn',
        text: outcome.reason === 'terminated' ? 'was revoked and ended while it ran' : `is not run: ${outcome.reason}`,
      }
    case 'released':
      return { level: 'info', text: 'is given back and runs again' }
    case 'lost':
      return { level: 'error', text: `is lost: ${outcome.detail}` }
    case 'refused':
      return { level: 'error', text: `is set aside as a dead letter (${outcome.reason}): ${outcome.detail}` }
    default:
      return outcome satisfies never
  }
}

/** Text is made only for levels that are written: at full speed it would cost more than the task. */
function logs(logger: Logger, level: LogLevel): boolean {
  return logger.isLevelEnabled === undefined || logger.isLevelEnabled(level)
}

function fieldsOf({ headers, delivery }: Request, { runtimeMs }: Outcome): object {
  const { id, task, retries } = headers
  const seconds = Math.round(runtimeMs) / 1000
  return retries > 0
    ? { id, task, queue: delivery.queue, seconds, retries }
    : { id, task, queue: delivery.queue, seconds }
}

function nameOf({ headers }: Request): string {
  return `${headers.shadow ?? headers.task}[${headers.id}]`
}

function took({ runtimeMs }: Outcome): string {
  return ` in ${Math.round(runtimeMs) / 1000} s`
}

function errorText({ exc_type: type, exc_message: args }: ErrorRecord): string {
  const text = args.map((arg) => textOf(arg, 500)).join(', ')
  return text === '' ? type : `${type}: ${maskUrl(text.slice(0, 500))}`
}

function eventOf({ headers }: Request, hostname: string): TaskEvent {
  return { task: headers.task, id: headers.id, headers, hostname }
}
