import type { Delivery, Settlement } from '../../lib/broker/broker.ts'
import { textOf } from '../../lib/message/error-text.ts'
import { decodeBody } from '../../lib/message/read-message.ts'
import type { ExtendedFacts } from '../../lib/result/result-codec.ts'
import type { Outcome } from '../../lib/run/outcome.ts'
import { type Acknowledgement, type Aftermath, aftermathOf, settlementOf } from '../../lib/run/settlement.ts'
import { acknowledgementOf } from './ack-policy.ts'
import type { Admission } from './admit.ts'
import { namesOf } from './decode.ts'
import { reportOutcome, reportRefused, reportUnknown } from './report.ts'
import type { Refusal, Request } from './request.ts'
import type { WorkParts } from './work-parts.ts'

const done: Acknowledgement = Object.freeze({ disposition: 'done' })
/** What every outcome has, of a request that did not run. */
export const nothingRan = { children: [], runtimeMs: 0 } as const

/** Stores, sends and acknowledges what an outcome asks for. */
export function conclude(request: Request, outcome: Outcome, parts: WorkParts): void {
  const { delivery, options } = request
  if (request.acknowledge === 'early') {
    const last = withoutGivingBack(outcome)
    parts.settler.leave(endedOf(request), aftermath(request, last, parts))
    reportOutcome(request, last, parts)
    return
  }
  const facts = { losses: delivery.losses, returns: delivery.returns, now: parts.clock.now() }
  settle(request, outcome, acknowledgementOf(outcome, options ?? parts.defaults, facts), parts)
}

/** Settles a request that does not run. */
export function turnAway(request: Request, admission: Exclude<Admission, { kind: 'run' }>, parts: WorkParts): void {
  const { claim } = request.delivery
  if (admission.kind === 'park') {
    parts.settler.settle(endedOf(request), { claim, disposition: 'park', notBefore: admission.notBefore })
  } else if (admission.kind === 'return') {
    const { notBefore } = admission
    parts.settler.settle(endedOf(request), { claim, disposition: 'give-back', counted: 'return', notBefore })
    reportUnknown(request, notBefore, parts)
  } else if (admission.kind === 'dead') {
    const { reason, detail } = admission
    const outcome: Outcome = { ...nothingRan, kind: 'refused', reason, detail }
    settle(request, outcome, { disposition: 'dead-letter', reason, detail }, parts)
  } else settle(request, { ...nothingRan, ...admission }, done, parts)
}

/** Sets a message aside whose headers can't be used; who waits for its result is told, where an id could be read. */
export function refuse(refusal: Refusal, parts: WorkParts): void {
  const { delivery, reason, detail, id, task } = refusal
  const outcome: Outcome = { ...nothingRan, kind: 'refused', reason, detail }
  const facts = { id: id ?? '', task: task ?? '', groupId: undefined, parentId: undefined, now: parts.clock.now() }
  const keeps = id !== undefined && parts.keepsResults
  const { record } = aftermathOf(outcome, { ...facts, keepsResult: keeps, keepsErrors: keeps }, parts.records)
  parts.settler.settle({ id, task }, { claim: delivery.claim, disposition: 'dead-letter', reason, detail, record })
  reportRefused(refusal, parts)
}

/**
 * Sets a message aside that something of the worker itself failed over. What was settled of it before stays: the broker does nothing for
 * a claim that has ended.
 */
export function breakOff(delivery: Delivery, error: unknown, parts: WorkParts): void {
  parts.logger.error(
    { ...namesOf(delivery), queue: delivery.queue, err: error },
    'The worker itself failed over a message. Please report this.',
  )
  const detail = `The worker itself failed over it: ${textOf(error, 500)}`
  refuse({ kind: 'refusal', delivery, reason: 'rejected', detail, ...namesOf(delivery) }, parts)
}

/** Takes the message off its queue before it runs, for good; false when it is no longer ours, and then it must not run. */
export async function acknowledgedFirst(request: Request, parts: WorkParts): Promise<boolean> {
  const settlement: Settlement = { claim: request.delivery.claim, ...done }
  return (await parts.settler.confirm(endedOf(request), settlement)) === 'settled'
}

function settle(request: Request, outcome: Outcome, acknowledgement: Acknowledgement, parts: WorkParts): void {
  // A message that is given back has not ended: it leaves no trace, or its links would run once for each try.
  const left = acknowledgement.disposition === 'give-back' ? {} : aftermath(request, outcome, parts)
  parts.settler.settle(endedOf(request), settlementOf(request.delivery.claim, acknowledgement, left))
  reportOutcome(request, outcome, parts)
}

function aftermath(request: Request, outcome: Outcome, parts: WorkParts): Aftermath {
  const { headers, keepsResult, keepsErrors } = request
  const { id, task, group: groupId, parentId } = headers
  const now = parts.clock.now()
  const extended = parts.extendsResults ? extendedFacts(request, parts) : undefined
  return aftermathOf(outcome, { id, task, groupId, parentId, keepsResult, keepsErrors, now, extended }, parts.records)
}

/** What `resultExtended` adds. The arguments are read again here; where they can't be, their text stands for them. */
function extendedFacts({ delivery, headers }: Request, parts: WorkParts): ExtendedFacts {
  const { task: name, retries, argsRepr, kwargsRepr } = headers
  const about = { name, worker: parts.hostname, retries, queue: delivery.route.routingKey }
  try {
    const { args, kwargs } = decodeBody(delivery.message, parts.policy)
    return { ...about, args, kwargs }
  } catch {
    return { ...about, args: argsRepr, kwargs: kwargsRepr }
  }
}

/** What was acknowledged can't be given back, so who waits is told how it ended instead. */
function withoutGivingBack(outcome: Outcome): Outcome {
  if (outcome.kind === 'rejected') return { ...outcome, requeue: false }
  if (outcome.kind !== 'released') return outcome
  const detail = 'The worker was stopped while the task ran, which is not run again with `acksLate: false`.'
  return { ...outcome, kind: 'lost', detail }
}

function endedOf({ headers }: Request): { id: string; task: string } {
  return headers
}
