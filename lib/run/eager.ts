import { hostname } from 'node:os'
import type { Outgoing } from '../broker/broker.ts'
import { readMessage } from '../message/read-message.ts'
import type { StoredRecord } from '../result/result-record.ts'
import { effectiveTaskOptions } from '../task/task-options.ts'
import { Attempt } from './attempt.ts'
import type { AttemptParts } from './attempt-parts.ts'
import type { Job } from './job.ts'
import type { Outcome } from './outcome.ts'
import { aftermathOf } from './settlement.ts'
import { limitsOf, startTimeLimits } from './time-limit.ts'

/** How an eager run came out. */
export interface EagerEnding {
  readonly outcome: Outcome
  /** As a result backend would have it, whether results are kept or not; undefined when the task asked to be ignored. */
  readonly record: StoredRecord | undefined
}

/**
 * Runs a message here as a worker would: arguments and result go through their encoding, limits hold, hooks are called, retries follow at
 * once whatever wait they ask for, and so do links and the rest of a chain. Never rejects for the task's sake.
 * @param parts with `isEager`
 * @throws {MessageRefused} when the message itself can't be read
 */
export async function runEagerly(message: Outgoing, parts: AttemptParts): Promise<EagerEnding> {
  let job = eagerJob(message, parts)
  let outcome = await endOf(job, parts)
  while (outcome.kind === 'retry') {
    job = eagerJob(outcome.next, parts)
    outcome = await endOf(job, parts)
  }
  // Nobody else could take what is given back.
  if (outcome.kind === 'rejected') outcome = { ...outcome, requeue: false }
  const { id, task, group: groupId, parentId } = job.headers
  const facts = { id, task, groupId, parentId, keepsResult: true, keepsErrors: true, now: parts.clock.now() }
  const { record, publish = [] } = aftermathOf(outcome, facts, parts.records)
  for (const next of publish) await runEagerly(next, parts)
  return { outcome, record }
}

function eagerJob({ message, route }: Outgoing, parts: AttemptParts): Job {
  const { headers } = readMessage(message, parts.policy)
  const definition = parts.tasks.find(headers.task)
  return {
    headers,
    message,
    queue: route.routingKey,
    route,
    redelivered: false,
    attempt: 1,
    hostname: hostname(),
    ...limitsOf(headers, definition && effectiveTaskOptions(definition, parts.defaults)),
  }
}

function endOf(job: Job, parts: AttemptParts): Promise<Outcome> {
  const { expires } = job.headers
  if (expires !== undefined && parts.clock.now() > expires)
    return Promise.resolve({ kind: 'revoked', reason: 'expired', children: [], runtimeMs: 0 })
  const attempt = new Attempt(job, parts)
  return new Promise((resolve) => {
    const disarm = startTimeLimits(attempt, parts.clock, resolve)
    void Promise.resolve(attempt.run()).then((outcome) => {
      disarm?.()
      resolve(outcome)
    })
  })
}
