import { type Duration, durationMs } from '../base/duration.ts'
import { InvalidCall } from '../base/errors.ts'
import { shown } from '../canvas/plain-value.ts'
import type { IsoTime } from '../canvas/signature.ts'
import { isoTimeOf } from '../canvas/wire-options.ts'
import { parseIsoTime } from '../message/iso-time.ts'

/** How a task asks to run again; what is left out is the task's own. */
export interface RetryOptions {
  /** How long from now. Not together with `eta`. @default the task's `defaultRetryDelay` */
  countdown?: Duration | undefined
  eta?: Date | IsoTime | undefined
  /** What went wrong: recorded with the RETRY state, and the task's failure when no retry is left. */
  error?: unknown
  /** Retries allowed in all; null for ever. */
  maxRetries?: number | null | undefined
  /** Other arguments for the next run. */
  args?: readonly unknown[] | undefined
  kwargs?: Readonly<Record<string, unknown>> | undefined
}

/**
 * Thrown to have the task run again later: by `task.retry()`, or by hand. No failure: the worker records RETRY and sends the task again,
 * under the same id.
 */
export class Retry extends Error {
  /** As asked for, checked. */
  readonly options: RetryOptions
  /** From `countdown`; undefined means the task's own delay, unless there is an `etaMs`. */
  readonly delayMs: number | undefined
  /** From `eta`, ms since the epoch. */
  readonly etaMs: number | undefined

  /** @throws {InvalidCall} when an option is wrong */
  constructor(options: RetryOptions = {}) {
    const { countdown, eta, error } = options
    checkRetryOptions(options)
    const delayMs = countdown === undefined ? undefined : durationMs(countdown, 'countdown of retry()')
    const etaMs = eta === undefined ? undefined : parseIsoTime(isoTimeOf(eta, 'eta of retry()'))
    const when = delayMs === undefined ? '' : ` in ${delayMs / 1000}s`
    super(`Retry${when}${error === undefined ? '' : `: ${String(error)}`}`, { cause: error })
    this.name = 'Retry'
    this.options = options
    this.delayMs = delayMs
    this.etaMs = etaMs
    mark(this, 'retry')
  }

  // So that a task file with another copy of the package steers this one's worker. @see mark
  static override [Symbol.hasInstance](value: unknown): boolean {
    return isMarked(value, 'retry')
  }
}

/** Thrown to end a task without a result: nothing is stored, no link is sent, the message is acknowledged. */
export class Ignore extends Error {
  constructor(reason = 'The task asked to be ignored.') {
    super(reason)
    this.name = 'Ignore'
    mark(this, 'ignore')
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    return isMarked(value, 'ignore')
  }
}

/** Thrown to refuse the message: it is set aside as a dead letter, or given back to its queue with `requeue`. */
export class Reject extends Error {
  readonly requeue: boolean

  constructor(reason: unknown = 'The task rejected its message.', options: { requeue?: boolean | undefined } = {}) {
    super(reason instanceof Error ? reason.message : String(reason), { cause: reason })
    this.name = 'Reject'
    this.requeue = options.requeue ?? false
    mark(this, 'reject')
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    return isMarked(value, 'reject')
  }
}

const signal = Symbol.for('umbel.signal')
type Kind = 'retry' | 'ignore' | 'reject'

function mark(error: Error, kind: Kind): void {
  Object.defineProperty(error, signal, { value: kind })
}

function isMarked(value: unknown, kind: Kind): boolean {
  return typeof value === 'object' && value !== null && (value as { [signal]?: unknown })[signal] === kind
}

function checkRetryOptions({ countdown, eta, maxRetries, args, kwargs }: RetryOptions): void {
  if (countdown !== undefined && eta !== undefined)
    throw new InvalidCall('retry() was given both countdown and eta; give one: they say the same thing in two ways.')
  if (maxRetries !== undefined && maxRetries !== null && !(Number.isSafeInteger(maxRetries) && maxRetries >= 0))
    throw new InvalidCall(
      `maxRetries of retry() must be a whole number, 0 or more, or null for no limit, not ${shown(maxRetries)}.`,
    )
  if (args !== undefined && !Array.isArray(args))
    throw new InvalidCall(`args of retry() must be a list, not ${shown(args)}.`)
  if (kwargs !== undefined && (typeof kwargs !== 'object' || kwargs === null))
    throw new InvalidCall(`kwargs of retry() must be an object, not ${shown(kwargs)}.`)
}
