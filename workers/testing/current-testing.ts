import type { Umbel } from '../../lib/app/app.ts'
import type { WrittenDuration } from '../../lib/base/duration.ts'
import { ambient, currentAppIfAny } from '../../lib/task/current-app.ts'
import type { AnyTask } from '../../lib/task/task.ts'
import type { EnqueuedCall } from './call-log.ts'
import type { CallMatch } from './expected-call.ts'
import type { OneRun } from './one-run.ts'
import { currentTest, currentTestIfAny } from './open-tests.ts'
import type { RunTaskOptions } from './run-once.ts'
import { openTesting } from './start-testing.ts'
import type { TaskRun } from './test-workers.ts'
import type { TaskArgs, TaskValue } from './testing.ts'

/** {@link Testing.drain} of the current test. @throws {TimeoutError, InvalidCall} */
export async function drain(options: { timeout?: WrittenDuration | undefined } = {}): Promise<TaskRun[]> {
  return currentTest('drain()').drain(options)
}

/** {@link Testing.assertEnqueued} of the current test. @throws {AssertionError, InvalidCall} */
export function assertEnqueued<T extends AnyTask>(task: T, args?: TaskArgs<T>, match?: CallMatch): EnqueuedCall[] {
  return currentTest('assertEnqueued()').assertEnqueued(task, args, match)
}

/** {@link Testing.assertNothingEnqueued} of the current test. @throws {AssertionError, InvalidCall} */
export function assertNothingEnqueued(task?: AnyTask | string): void {
  currentTest('assertNothingEnqueued()').assertNothingEnqueued(task)
}

/**
 * {@link Testing.runTask} of the current test. Without one it makes one for this run, of the app that knows the task: calls that the task
 * sends go to memory all the same.
 */
export async function runTask<T extends AnyTask>(
  task: T,
  args: TaskArgs<T>,
  options?: RunTaskOptions,
): Promise<OneRun<TaskValue<T>>> {
  const current = currentTestIfAny('runTask()')
  if (current !== undefined) return current.runTask(task, args, options)
  const { testing } = openTesting(appOf(task))
  try {
    return await testing.run(() => testing.runTask(task, args, options))
  } finally {
    await testing.close()
  }
}

/** The app that a task would be sent by, as far as its name tells; undefined makes one. */
function appOf({ taskName }: AnyTask): Umbel | undefined {
  const current = currentAppIfAny()
  const knowing = [current, ...ambient().apps.toReversed()].find((app) => app?.findTask(taskName) !== undefined)
  // Every app is one; the type of the ambient value only promises what tasks need.
  return knowing as Umbel | undefined
}
