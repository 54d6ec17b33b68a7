import { crashPoint } from '../../lib/base/crash-point.ts'
import type { Delivery } from '../../lib/broker/broker.ts'
import type { Outcome } from '../../lib/run/outcome.ts'
import { admit } from './admit.ts'
import { acknowledgedFirst, breakOff, conclude, nothingRan, refuse, turnAway } from './conclude.ts'
import { readRequest } from './decode.ts'
import { reportReceived } from './report.ts'
import type { Request } from './request.ts'
import { runRequest } from './run.ts'
import type { WorkParts } from './work-parts.ts'

/**
 * Takes one delivery from claim to settlement; its slot is free again when this returns, or when the promise that it returns resolves.
 * Never throws or rejects.
 */
export function work(delivery: Delivery, parts: WorkParts): void | Promise<void> {
  // A mistake of ours costs this message its run, and no other.
  const broke = (error: unknown): void => breakOff(delivery, error, parts)
  try {
    return workThrough(delivery, parts)?.catch(broke)
  } catch (error) {
    broke(error)
  }
}

function workThrough(delivery: Delivery, parts: WorkParts): void | Promise<void> {
  crashPoint('worker.afterClaim')
  const request = readRequest(delivery, parts) // the body stays bytes until it is in its slot
  if (request.kind === 'refusal') return refuse(request, parts)
  reportReceived(request, parts)
  const admission = admit(factsOf(request, parts), parts.limits)
  if (admission.kind !== 'run') return turnAway(request, admission, parts) // revoked, parked, given back, dead
  if (request.acknowledge === 'late') return run(request, parts)
  return acknowledgedFirst(request, parts).then((isOurs) => (isOurs ? runAcknowledged(request, parts) : undefined))
}

/** That took a round trip, in which it may have expired or been revoked. There is no message left to settle. */
function runAcknowledged(request: Request, parts: WorkParts): void | Promise<void> {
  const still = admit(factsOf(request, parts), parts.limits)
  if (still.kind === 'revoked') return conclude(request, { ...nothingRan, ...still }, parts)
  return run(request, parts)
}

function run(request: Request, parts: WorkParts): void | Promise<void> {
  const outcome = runRequest(request, parts) // a crash is an outcome too
  return outcome instanceof Promise ? outcome.then((value) => end(request, value, parts)) : end(request, outcome, parts)
}

function end(request: Request, outcome: Outcome, parts: WorkParts): void {
  parts.onRan(outcome.runtimeMs)
  conclude(request, outcome, parts) // record, follow-ups and acknowledgement, gathered with those of others
}

function factsOf({ delivery, headers, definition, acknowledge }: Request, parts: WorkParts) {
  const { losses, returns, firstReturnedAt } = delivery
  const { id, task, eta, expires } = headers
  const isKnown = definition !== undefined
  const isRevoked = parts.isRevoked(id)
  const now = parts.clock.now()
  return { now, isRevoked, isKnown, task, eta, expires, acknowledge, losses, returns, firstReturnedAt }
}
