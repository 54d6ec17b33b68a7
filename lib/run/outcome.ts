import type { DeadLetterReason, Outgoing } from '../broker/broker.ts'
import type { Encoded, ErrorRecord } from '../message/encoded.ts'

/**
 * How an attempt ended: a value, never an exception. Everything in it is encoded already, so that it crosses boundaries as it is and
 * the worker's main loop never touches a user's value.
 */
export type Outcome =
  /** `follow` are the success links and the chain's next step, with the result in front of their arguments. */
  | (OutcomeBase & { readonly kind: 'succeeded'; readonly value: Encoded; readonly follow: readonly Outgoing[] })
  /** `next` is the same task again: same id, one retry more, due at its `notBefore`. */
  | (OutcomeBase & {
      readonly kind: 'retry'
      readonly error: ErrorRecord
      readonly traceback: string
      readonly next: Outgoing
    })
  /** `expected` when the error is in the task's `throws`; `follow` are the error links. */
  | (OutcomeBase & {
      readonly kind: 'failed'
      readonly error: ErrorRecord
      readonly traceback: string
      readonly expected: boolean
      readonly follow: readonly Outgoing[]
    })
  /** `Reject`: given back when `requeue`, else dead-lettered. */
  | (OutcomeBase & { readonly kind: 'rejected'; readonly reason: string; readonly requeue: boolean })
  /** `Ignore`: the task has taken care of its own state. */
  | (OutcomeBase & { readonly kind: 'ignored' })
  /** Past the hard limit. */
  | (OutcomeBase & { readonly kind: 'timed-out'; readonly limitMs: number; readonly follow: readonly Outgoing[] })
  | (OutcomeBase & { readonly kind: 'revoked'; readonly reason: 'revoked' | 'expired' | 'terminated' })
  /** Shutdown: not a failure, given back. */
  | (OutcomeBase & { readonly kind: 'released' })
  /** The slot died. */
  | (OutcomeBase & { readonly kind: 'lost'; readonly detail: string })
  /** The body could not be used; nothing of the user ran. */
  | (OutcomeBase & { readonly kind: 'refused'; readonly reason: DeadLetterReason; readonly detail: string })

interface OutcomeBase {
  /** Result tuples of what the task sent while it ran (its children), in order. */
  readonly children: readonly unknown[]
  /** How long the user's function ran, ms. */
  readonly runtimeMs: number
}
