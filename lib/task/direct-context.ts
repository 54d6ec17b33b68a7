import { hostname } from 'node:os'
import { silentLogger } from '../base/logger.ts'
import { newId } from '../base/task-id.ts'
import { currentAppIfAny } from './current-app.ts'
import { createDirectContext, type TaskContext } from './task-context.ts'
import type { TaskDefinition } from './task-definition.ts'

/**
 * What a task sees that is called as a plain function. It has an id of its own, which nobody else knows; it logs and is aborted with the
 * task that it is called in, if there is one.
 */
export function directContext(
  definition: TaskDefinition,
  args: readonly unknown[],
  worker: TaskContext | undefined,
): TaskContext {
  const { name, options } = definition
  const log = worker?.log ?? currentAppIfAny()?.logger ?? silentLogger
  const id = newId()
  return createDirectContext({
    id,
    name,
    args,
    kwargs: {},
    retries: 0,
    maxRetries: options.maxRetries === undefined ? 3 : options.maxRetries,
    eta: undefined,
    expires: undefined,
    rootId: worker?.rootId ?? id,
    parentId: worker?.id,
    groupId: undefined,
    groupIndex: undefined,
    queue: undefined,
    priority: undefined,
    headers: {},
    properties: {},
    deliveryInfo: { exchange: '', routingKey: '', redelivered: false },
    redelivered: false,
    attempt: 1,
    hostname: worker?.hostname ?? hostname(),
    origin: undefined,
    correlationId: undefined,
    replyTo: undefined,
    stamps: {},
    stampedHeaders: [],
    replacedTaskNesting: 0,
    isEager: false,
    timeLimits: {},
    signal: worker?.signal ?? new AbortController().signal,
    log,
  })
}
