import type { Service } from '../../lib/base/service.ts'
import type { Job } from '../../lib/run/job.ts'
import type { Outcome } from '../../lib/run/outcome.ts'

/** Where users' functions run. */
export interface Pool extends Service {
  /** Runs one job. Never throws or rejects: a crash is an outcome too. No promise where the job has ended already. */
  run(job: Job): Outcome | Promise<Outcome>
  /** What runs now, oldest first. */
  running(): RunningJob[]
  /** What was ended but could not be stopped: still running, without any effect. */
  leftovers(): RunningJob[]
  /** Ends the tasks of that id, as revoked. False when none runs here. */
  terminate(taskId: string): boolean
  /** The claims on what runs passed to other workers: it may end, but has no effect any more. */
  disown(): void
  /** Asks what runs to end, for a shutdown; what has not within `graceMs` is ended as `released`. Resolves when nothing runs. */
  release(graceMs: number): Promise<void>
}

/** A job as operators see it. */
export interface RunningJob {
  readonly id: string
  readonly task: string
  readonly queue: string
  readonly seconds: number
}
