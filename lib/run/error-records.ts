import type { DeadLetterReason } from '../broker/broker.ts'
import type { ErrorRecord } from '../message/encoded.ts'

/*
 * The errors that a worker itself gives a task, as Celery stores them, so that a Python caller gets the class it expects
 * (wire format: results, sections 2 and 4).
 */

/** The task's name is not registered. */
export function notRegisteredRecord(task: string): ErrorRecord {
  return { exc_type: 'NotRegistered', exc_message: [task], exc_module: 'celery.exceptions' }
}

/** Past the hard limit; Celery gives the limit in seconds. */
export function timeLimitRecord(limitMs: number): ErrorRecord {
  return { exc_type: 'TimeLimitExceeded', exc_message: [limitMs / 1000], exc_module: 'billiard.exceptions' }
}

/** The process or slot that ran it is gone. */
export function workerLostRecord(detail: string): ErrorRecord {
  return { exc_type: 'WorkerLostError', exc_message: [detail], exc_module: 'billiard.exceptions' }
}

/** Revoked, expired or terminated. */
export function revokedRecord(reason: 'revoked' | 'expired' | 'terminated'): ErrorRecord {
  return { exc_type: 'TaskRevokedError', exc_message: [reason], exc_module: 'celery.exceptions' }
}

/** The task threw `Reject` without asking to be given back. */
export function rejectRecord(reason: string): ErrorRecord {
  return { exc_type: 'Reject', exc_message: [reason, false], exc_module: 'celery.exceptions' }
}

/** The message could not be used. */
export function refusedRecord(reason: DeadLetterReason, detail: string): ErrorRecord {
  if (reason === 'undecodable')
    return { exc_type: 'DecodeError', exc_message: [detail], exc_module: 'kombu.exceptions' }
  if (reason === 'content-refused')
    return { exc_type: 'ContentDisallowed', exc_message: [detail], exc_module: 'kombu.exceptions' }
  if (reason === 'max-deliveries') return workerLostRecord(detail)
  return { exc_type: 'InvalidTaskError', exc_message: [detail], exc_module: 'celery.exceptions' }
}
