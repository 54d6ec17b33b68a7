import type { Call } from '../publish/call.ts'
import type { AsyncResult } from '../result/async-result.ts'
import type { TaskApp } from './current-app.ts'
import { type ParentTask, parentTask } from './task-context.ts'

/**
 * Sends calls by an app, and tells the task that sends them, if it is one, of its children.
 * @param parent as it was when the calls were made @default the task that runs just now
 */
export async function sendCalls(
  app: TaskApp,
  calls: readonly Call[],
  parent: ParentTask | undefined = parentTask(),
): Promise<AsyncResult<unknown>[]> {
  const results = await app.send(calls)
  if (parent !== undefined) for (const result of results) parent.noteChild([[result.id, null], null])
  return results
}
