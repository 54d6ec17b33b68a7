import type { DeadLetterReason } from '../../lib/broker/broker.ts'
import { returnAt } from './ack-policy.ts'

/** What is known of a delivery before it is run. */
export interface AdmitFacts {
  /** ms since the epoch. */
  readonly now: number
  readonly isRevoked: boolean
  /** The task is registered here. */
  readonly isKnown: boolean
  readonly task: string
  readonly eta: number | undefined
  readonly expires: number | undefined
  readonly acknowledge: 'early' | 'late'
  readonly losses: number
  readonly returns: number
  readonly firstReturnedAt: number | undefined
}

export interface AdmitLimits {
  /** How often a message may come back because its worker died. */
  readonly maxDeliveries: number
  /** How long a message for a task that is not registered is offered again. */
  readonly unknownTaskLimitMs: number
}

/** Whether a delivery runs now, and what else happens to it. */
export type Admission =
  | { readonly kind: 'run' }
  | { readonly kind: 'revoked'; readonly reason: 'revoked' | 'expired' }
  /** Not due yet: the broker keeps it. */
  | { readonly kind: 'park'; readonly notBefore: number }
  /** Unknown here: offered again, to whoever knows it by then. */
  | { readonly kind: 'return'; readonly notBefore: number | undefined }
  | { readonly kind: 'dead'; readonly reason: DeadLetterReason; readonly detail: string }
  /** It may have begun before, and must never begin twice. */
  | { readonly kind: 'lost'; readonly detail: string }

const run: Admission = { kind: 'run' }

/** Decides about one delivery. Pure. */
export function admit(facts: AdmitFacts, limits: AdmitLimits): Admission {
  const { now, eta, expires, losses, acknowledge } = facts
  if (facts.isRevoked) return { kind: 'revoked', reason: 'revoked' }
  if (expires !== undefined && now > expires) return { kind: 'revoked', reason: 'expired' }
  if (losses > limits.maxDeliveries) return { kind: 'dead', reason: 'max-deliveries', detail: tooManyLosses(losses) }
  if (eta !== undefined && eta > now) return { kind: 'park', notBefore: eta }
  if (!facts.isKnown) return unknown(facts, limits)
  if (losses > 0 && acknowledge === 'early')
    return {
      kind: 'lost',
      detail: 'Its worker died around the start of the task, which is not run again with `acksLate: false`.',
    }
  return run
}

function unknown(facts: AdmitFacts, limits: AdmitLimits): Admission {
  const { now, returns, firstReturnedAt } = facts
  if (firstReturnedAt === undefined || now - firstReturnedAt < limits.unknownTaskLimitMs)
    return { kind: 'return', notBefore: returnAt(returns, now) }
  const seconds = Math.round((now - firstReturnedAt) / 1000)
  const detail = `No worker of its queue knew the task "${facts.task.slice(0, 200)}" in ${seconds} s.`
  return { kind: 'dead', reason: 'unknown-task', detail }
}

function tooManyLosses(losses: number): string {
  return `${losses} deliveries ended with the death of their worker; the task itself may be the cause.`
}
