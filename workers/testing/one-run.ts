import type { EnqueuedCall } from './call-log.ts'

/** How one run of a task ended. */
export type RunEnding<R> =
  | { readonly kind: 'succeeded'; readonly value: R }
  /** Its error would be its result. */
  | { readonly kind: 'failed'; readonly error: Error }
  /** It would run again. */
  | { readonly kind: 'retried'; readonly retry: NextTry }
  | { readonly kind: 'ignored' }
  /** `Reject`, or arguments that can't be read: given back to its queue, or set aside. */
  | { readonly kind: 'rejected'; readonly reason: string; readonly requeue: boolean }
  | { readonly kind: 'revoked'; readonly reason: string }

/** What a retry would be. */
export interface NextTry {
  /** Seconds from the end of this run; with `retryJitter` the longest that it can be. */
  readonly countdown: number
  readonly eta: Date
  /** What it is for; undefined when the task gave no reason. */
  readonly error: Error | undefined
  readonly args: readonly unknown[]
  readonly kwargs: Readonly<Record<string, unknown>>
}

/** A state that a run stored on its way. */
export interface StoredState {
  readonly state: string
  readonly meta: unknown
}

/** What came of one run of a task. What did not come of it throws when it is asked for, and says what did. */
export class OneRun<R> {
  readonly ending: RunEnding<R>
  /** States that it stored, in order: `updateState()`, and `progress()` as `PROGRESS`. */
  readonly states: readonly StoredState[]
  /** Calls that it sent while it ran; links are not among them. */
  readonly enqueued: readonly EnqueuedCall[]
  readonly #task: string

  constructor(task: string, ending: RunEnding<R>, seen: Pick<OneRun<R>, 'states' | 'enqueued'>) {
    this.#task = task
    this.ending = ending
    this.states = seen.states
    this.enqueued = seen.enqueued
  }

  get kind(): RunEnding<R>['kind'] {
    return this.ending.kind
  }

  /** What it returned, as its caller would get it. @throws what the task threw */
  get value(): R {
    if (this.ending.kind === 'succeeded') return this.ending.value
    throw this.ending.kind === 'failed' ? this.ending.error : this.#not('a value')
  }

  /** What it failed with. */
  get error(): Error {
    if (this.ending.kind === 'failed') return this.ending.error
    throw this.#not('an error')
  }

  /** When and how it would run again. */
  get retry(): NextTry {
    if (this.ending.kind === 'retried') return this.ending.retry
    throw this.#not('a retry', this.ending.kind === 'failed' ? this.ending.error : undefined)
  }

  #not(what: string, cause?: Error): Error {
    return new Error(`This run of ${this.#task} has not ended with ${what}: it ${told(this.ending)}.`, { cause })
  }
}

function told(ending: RunEnding<unknown>): string {
  switch (ending.kind) {
    case 'succeeded':
      return 'succeeded'
    case 'failed':
      return `failed with ${String(ending.error)}`
    case 'retried':
      return `asked for a retry in ${ending.retry.countdown} s${ending.retry.error === undefined ? '' : `, for ${String(ending.retry.error)}`}`
    case 'ignored':
      return 'asked to be ignored'
    case 'rejected':
      return `rejected its message: ${ending.reason}`
    case 'revoked':
      return `was revoked: ${ending.reason}`
    default:
      return ending satisfies never
  }
}
