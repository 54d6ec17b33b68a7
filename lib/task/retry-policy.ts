import { retryDelay } from '../base/backoff.ts'
import { MaxRetriesExceededError } from '../base/errors.ts'
import { matchesError } from '../message/error-record.ts'
import type { EffectiveTaskOptions } from './task-options.ts'
import { Retry } from './task-signals.ts'

/** What a task threw, and what the decision needs to know of the task. `Ignore` and `Reject` are decided on before. */
export interface RetryQuestion {
  /** As it was thrown: a {@link Retry} is the task's own wish. */
  readonly error: unknown
  /** `math.add[8a1c…]`, for the error that says that no retry is left. */
  readonly task: string
  readonly options: Pick<
    EffectiveTaskOptions,
    | 'autoretryFor'
    | 'dontAutoretryFor'
    | 'maxRetries'
    | 'defaultRetryDelayMs'
    | 'retryBackoff'
    | 'retryBackoffMaxMs'
    | 'retryJitter'
    | 'retryKwargs'
  >
  /** Retries made before this run. */
  readonly retries: number
  /** ms since the epoch. */
  readonly now: number
  /** From 0 up to, not including, 1. @default Math.random */
  readonly random?: (() => number) | undefined
}

/** What becomes of a task that threw. */
export type RetryDecision =
  | {
      readonly kind: 'retry'
      /** What is recorded with the RETRY state. */
      readonly error: unknown
      /** From now; 0 when the moment has passed. */
      readonly delayMs: number
      /** The same as a moment, ms since the epoch. */
      readonly notBefore: number
      /** The limit that held; null is none. */
      readonly maxRetries: number | null
      /** Other arguments for the next run; undefined keeps those of this one. */
      readonly args: readonly unknown[] | undefined
      readonly kwargs: Readonly<Record<string, unknown>> | undefined
    }
  | { readonly kind: 'fail'; readonly error: unknown }

/**
 * Whether a task that threw runs again, and when. Pure.
 * A task that asks by `retry()` is asked again after its `countdown`, else after `defaultRetryDelay`; one that threw what `autoretryFor`
 * names, after the backoff if it has one, else as `retryKwargs` say. Past the limit the failure is the error that `retry()` was given, or
 * the one thrown; `MaxRetriesExceededError` if there is none.
 * @see Celery's `Task.retry` and `autoretry_for`
 */
export function decideRetry(question: RetryQuestion): RetryDecision {
  const { error, options } = question
  if (error instanceof Retry) return again(question, error, error.options.error)
  if (!matchesError(error, options.autoretryFor) || matchesError(error, options.dontAutoretryFor))
    return { kind: 'fail', error }
  return again(question, new Retry(options.retryKwargs), error, backoffMs(question))
}

function again(question: RetryQuestion, asked: Retry, cause: unknown, backoff?: number): RetryDecision {
  const { task, options, retries, now } = question
  const { maxRetries = options.maxRetries, args, kwargs } = asked.options
  if (maxRetries !== null && retries >= maxRetries) return { kind: 'fail', error: cause ?? noneLeft(task, maxRetries) }
  const delayMs =
    backoff ??
    (asked.etaMs === undefined ? (asked.delayMs ?? options.defaultRetryDelayMs) : Math.max(0, asked.etaMs - now))
  return {
    kind: 'retry',
    error: cause ?? asked,
    delayMs,
    notBefore: asked.etaMs !== undefined && backoff === undefined ? asked.etaMs : now + delayMs,
    maxRetries,
    args,
    kwargs,
  }
}

function backoffMs({ options, retries, random }: RetryQuestion): number | undefined {
  const { retryBackoff, retryBackoffMaxMs, retryJitter } = options
  if (retryBackoff === false) return undefined
  return retryDelay(retries, { firstMs: retryBackoff.firstMs, maxMs: retryBackoffMaxMs, jitter: retryJitter, random })
}

function noneLeft(task: string, maxRetries: number): MaxRetriesExceededError {
  return new MaxRetriesExceededError(
    `Can't retry ${task}: it was retried ${maxRetries} times, which is its maxRetries. Give retry() the error that it is for, to fail with that.`,
  )
}
