import { ambient } from '../task/current-app.ts'
import { remoteTask as plainRemoteTask, sharedTask as plainSharedTask, type SharedTask } from '../task/shared-task.ts'
import { Umbel } from './app.ts'

/** Defines tasks that belong to no app: each call looks up the current one, and makes one from the environment where there is none. */
export const sharedTask: SharedTask = withDefaultApp(plainSharedTask)

/** A typed handle of a task that lives elsewhere; it finds its app as {@link sharedTask} does. */
export const remoteTask: typeof plainRemoteTask = withDefaultApp(plainRemoteTask)

// A value that passes through here, rather than a statement of this module: bundlers drop the statements of a package without side effects.
function withDefaultApp<T>(value: T): T {
  ambient().fromEnvironment ??= () => new Umbel('default')
  return value
}
