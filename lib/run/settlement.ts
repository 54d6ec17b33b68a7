import type { Claim, DeadLetterReason, Outgoing, Settlement } from '../broker/broker.ts'
import type { Encoded, ErrorRecord } from '../message/encoded.ts'
import type { ExtendedFacts, RecordFacts } from '../result/result-codec.ts'
import type { StoredRecord, TaskState } from '../result/result-record.ts'
import {
  notRegisteredRecord,
  refusedRecord,
  rejectRecord,
  revokedRecord,
  timeLimitRecord,
  workerLostRecord,
} from './error-records.ts'
import type { Outcome } from './outcome.ts'

/** Makes stored records; `ResultCodec` is the one in use. */
export interface RecordMaker {
  make(state: TaskState, result: Encoded | ErrorRecord | undefined, facts: RecordFacts): StoredRecord
}

/** What becomes of the message; what the ack policy decides. */
export type Acknowledgement = Pick<Settlement, 'disposition' | 'notBefore' | 'counted' | 'reason' | 'detail'>

/** What a settlement says of the task beside its outcome, and whether a record is wanted at all. */
export interface SettlementFacts {
  readonly id: string
  readonly task: string
  readonly groupId: string | undefined
  readonly parentId: string | undefined
  /** False with `ignoreResult`. */
  readonly keepsResult: boolean
  /** As {@link keepsResult}, but for FAILURE and REVOKED. @see Celery's `store_errors_even_if_ignored` */
  readonly keepsErrors: boolean
  /** ms since the epoch. */
  readonly now: number
  /** With `resultExtended`. */
  readonly extended?: ExtendedFacts | undefined
}

/** What is stored and what is sent because a task's attempt ended. */
export interface Aftermath {
  readonly record?: StoredRecord | undefined
  readonly publish?: readonly Outgoing[] | undefined
}

/** Outcome → what is stored, what is sent next and what becomes of the message, as one act. Pure, but for the maker. */
export function settlementOf(claim: Claim, acknowledgement: Acknowledgement, aftermath: Aftermath): Settlement {
  // A message that is given back has not ended: it leaves no trace, or its links would run once for each try.
  if (acknowledgement.disposition === 'give-back') return { claim, ...acknowledgement }
  return { claim, ...acknowledgement, ...aftermath }
}

/** What an outcome leaves behind, whatever becomes of its message. */
export function aftermathOf(outcome: Outcome, facts: SettlementFacts, maker: RecordMaker): Aftermath {
  return { record: recordOf(outcome, facts, maker), publish: followUpsOf(outcome) }
}

/** What is sent because of an outcome: links, the chain's next step, or the same task again. */
function followUpsOf(outcome: Outcome): readonly Outgoing[] | undefined {
  if (outcome.kind === 'retry') return [outcome.next]
  if (outcome.kind === 'succeeded' || outcome.kind === 'failed' || outcome.kind === 'timed-out')
    return outcome.follow.length > 0 ? outcome.follow : undefined
  return undefined
}

/** The record of an outcome that ends an attempt; undefined when nothing is to be stored. Pure, but for the maker. */
function recordOf(outcome: Outcome, facts: SettlementFacts, maker: RecordMaker): StoredRecord | undefined {
  switch (outcome.kind) {
    case 'succeeded':
      return facts.keepsResult ? maker.make('SUCCESS', outcome.value, recordFacts(facts, outcome)) : undefined
    case 'retry':
      return facts.keepsResult
        ? maker.make('RETRY', outcome.error, { ...recordFacts(facts, outcome), traceback: outcome.traceback })
        : undefined
    case 'failed':
      return failure(outcome.error, outcome.traceback)
    case 'timed-out':
      return failure(timeLimitRecord(outcome.limitMs), null)
    case 'rejected':
      return outcome.requeue ? undefined : failure(rejectRecord(outcome.reason), null)
    case 'revoked':
      return facts.keepsErrors
        ? maker.make('REVOKED', revokedRecord(outcome.reason), recordFacts(facts, outcome))
        : undefined
    case 'lost':
      return failure(workerLostRecord(outcome.detail), null)
    case 'refused':
      return failure(refusedErrorOf(outcome.reason, outcome.detail, facts.task), null)
    case 'ignored':
    case 'released':
      return undefined
    default:
      return outcome satisfies never
  }

  function failure(error: ErrorRecord, traceback: string | null): StoredRecord | undefined {
    return facts.keepsErrors ? maker.make('FAILURE', error, { ...recordFacts(facts, outcome), traceback }) : undefined
  }
}

/** The error that stands for a refusal, under the name that Celery would give it. */
function refusedErrorOf(reason: DeadLetterReason, detail: string, task: string): ErrorRecord {
  return reason === 'unknown-task' ? notRegisteredRecord(task) : refusedRecord(reason, detail)
}

function recordFacts(facts: SettlementFacts, outcome: Outcome): RecordFacts {
  const { id, groupId, parentId, now, extended } = facts
  return { id, children: outcome.children, groupId, parentId, now, extended }
}
