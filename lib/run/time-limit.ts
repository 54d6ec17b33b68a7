import type { Clock } from '../base/clock.ts'
import { SoftTimeLimitExceeded } from '../base/errors.ts'
import type { TaskHeaders } from '../message/task-message.ts'
import type { Attempt } from './attempt.ts'
import type { Job } from './job.ts'
import type { Outcome } from './outcome.ts'

/** The limits of one run, ms. The call's own win over the task's, which have the app's in them already. */
export function limitsOf(
  headers: Pick<TaskHeaders, 'timeLimits'>,
  task: { readonly timeLimitMs: number | undefined; readonly softTimeLimitMs: number | undefined } | undefined,
): Pick<Job, 'timeLimitMs' | 'softTimeLimitMs'> {
  const { hard, soft } = headers.timeLimits
  return {
    timeLimitMs: hard === undefined ? task?.timeLimitMs : hard * 1000,
    softTimeLimitMs: soft === undefined ? task?.softTimeLimitMs : soft * 1000,
  }
}

/**
 * Arms the limits of an attempt that runs in this event loop: the soft one aborts its signal, the hard one ends it. A function that blocks
 * the loop holds up these timers too; the worker's lease thread watches for that.
 * @returns what disarms them, or undefined when the job has none
 */
export function startTimeLimits(
  attempt: Attempt,
  clock: Clock,
  onTimedOut: (outcome: Outcome) => void,
): (() => void) | undefined {
  const { timeLimitMs, softTimeLimitMs, headers } = attempt.job
  if (timeLimitMs === undefined && softTimeLimitMs === undefined) return undefined
  const cancelSoft =
    softTimeLimitMs === undefined
      ? undefined
      : clock.timer(softTimeLimitMs, () =>
          attempt.abort(
            new SoftTimeLimitExceeded(
              `Task ${headers.task} ran longer than its soft time limit of ${softTimeLimitMs / 1000} s.`,
            ),
          ),
        )
  const cancelHard =
    timeLimitMs === undefined ? undefined : clock.timer(timeLimitMs, () => onTimedOut(attempt.timeOut(timeLimitMs)))
  return () => {
    cancelSoft?.()
    cancelHard?.()
  }
}
