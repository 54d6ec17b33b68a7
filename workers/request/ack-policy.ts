import { afterLossAt, type DeliveryHistory } from '../../lib/broker/delivery-history.ts'
import type { Outcome } from '../../lib/run/outcome.ts'
import type { Acknowledgement } from '../../lib/run/settlement.ts'

/** A task's options that say what becomes of its message. */
export interface AckOptions {
  readonly acksOnFailure: boolean
  readonly acksOnTimeout: boolean
  readonly rejectOnWorkerLost: boolean
}

/** What an outcome is told apart by, beside its kind. */
export interface AckFacts extends Pick<DeliveryHistory, 'losses' | 'returns'> {
  /** ms since the epoch. */
  readonly now: number
}

/**
 * What becomes of a message that was run with a late acknowledgement. Pure; a table in the shape of a switch.
 *
 * | outcome | done | given back | dead letter |
 * | --- | --- | --- | --- |
 * | succeeded, retry, ignored, revoked | always | | |
 * | failed | `acksOnFailure` | | otherwise |
 * | timed-out | `acksOnTimeout` | otherwise, counted as a loss | |
 * | lost | `rejectOnWorkerLost: false` | otherwise, counted as a loss | |
 * | released | | always, uncounted | |
 * | rejected | | `requeue`, counted as a return, ever later | otherwise |
 * | refused | | | always |
 */
export function acknowledgementOf(outcome: Outcome, options: AckOptions, facts: AckFacts): Acknowledgement {
  switch (outcome.kind) {
    case 'succeeded':
    case 'retry':
    case 'ignored':
    case 'revoked':
      return { disposition: 'done' }
    case 'failed':
      if (options.acksOnFailure) return { disposition: 'done' }
      return { disposition: 'dead-letter', reason: 'rejected', detail: 'The task failed and `acksOnFailure` is off.' }
    case 'timed-out':
      return options.acksOnTimeout ? { disposition: 'done' } : lossOf(facts)
    case 'lost':
      return options.rejectOnWorkerLost ? lossOf(facts) : { disposition: 'done' }
    case 'released':
      return { disposition: 'give-back' }
    case 'rejected':
      if (!outcome.requeue) return { disposition: 'dead-letter', reason: 'rejected', detail: outcome.reason }
      return { disposition: 'give-back', counted: 'return', notBefore: returnAt(facts.returns, facts.now) }
    case 'refused':
      return { disposition: 'dead-letter', reason: outcome.reason, detail: outcome.detail }
    default:
      return outcome satisfies never
  }
}

/** Given back, counted as a loss, and later with every loss. */
function lossOf({ losses, returns, now }: AckFacts): Acknowledgement {
  const notBefore = afterLossAt({ losses: losses + 1, returns, firstReturnedAt: undefined }, 0, now)
  return { disposition: 'give-back', counted: 'loss', ...(notBefore !== undefined && { notBefore }) }
}

/**
 * When a message that nobody here can use is offered again: twice at once, for a neighbour that can, then after 50 ms doubling to 30 s.
 * @returns ms since the epoch, or undefined for at once
 */
export function returnAt(returns: number, now: number): number | undefined {
  if (returns < 2) return undefined
  return now + Math.min(30_000, 50 * 2 ** Math.min(returns - 2, 31))
}
