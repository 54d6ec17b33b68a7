import { Umbel } from '../../../lib/app/app.ts'
import type { TaskContext } from '../../../lib/task/task-context.ts'
import { inspectFile } from './inspect-file.ts'

/** The app of `umbel demo`, loaded by the command and by its worker processes; they are told the broker on their command line. */
export const app = new Umbel('demo')

/** One file, one task. */
export const inspectFileTask = app.task({ name: 'demo.inspectFile', bind: true }, (task: TaskContext, path: string) =>
  inspectFile(path, task.signal),
)

/** Answers as soon as a worker runs. */
export const isReadyTask = app.task('demo.isReady', () => true)
