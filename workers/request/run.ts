import type { Job } from '../../lib/run/job.ts'
import type { Outcome } from '../../lib/run/outcome.ts'
import { limitsOf } from '../../lib/run/time-limit.ts'
import type { Request } from './request.ts'
import type { WorkParts } from './work-parts.ts'

/** Runs a request in a slot of the pool, under its time limits. Never throws or rejects: a crash is an outcome too. */
export function runRequest(request: Request, parts: WorkParts): Outcome | Promise<Outcome> {
  const { delivery, headers, options } = request
  const { message, queue, route, redelivered, losses } = delivery
  const { timeLimitMs, softTimeLimitMs } = limitsOf(headers, options)
  const job: Job = {
    headers,
    message,
    queue,
    route,
    redelivered,
    attempt: losses + 1,
    hostname: parts.hostname,
    softTimeLimitMs,
    timeLimitMs,
  }
  return parts.pool.run(job)
}
