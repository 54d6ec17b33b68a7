import { silentLogger } from '../../../../lib/base/logger.ts'
import { hooksOf, stateActions, type TaskContext, type TaskHooks } from '../../../../lib/task/task-context.ts'
import { Retry } from '../../../../lib/task/task-signals.ts'

/** A context as a worker would make one. */
export function fakeContext(fields: Partial<TaskContext> = {}, hooks: Partial<TaskHooks> = {}): TaskContext {
  const all: TaskHooks = { storeState: async () => {}, noteChild: () => {}, ...hooks }
  const context: TaskContext & { readonly [hooksOf]: TaskHooks } = {
    id: 'id',
    name: 'math.add',
    args: [],
    kwargs: {},
    retries: 0,
    maxRetries: 3,
    eta: undefined,
    expires: undefined,
    rootId: 'id',
    parentId: undefined,
    groupId: undefined,
    groupIndex: undefined,
    queue: 'celery',
    priority: undefined,
    headers: {},
    properties: {},
    deliveryInfo: { exchange: '', routingKey: 'celery', redelivered: false },
    redelivered: false,
    attempt: 1,
    hostname: 'w1@host',
    origin: undefined,
    correlationId: undefined,
    replyTo: undefined,
    stamps: {},
    stampedHeaders: [],
    replacedTaskNesting: 0,
    isEager: false,
    isDirect: false,
    timeLimits: {},
    signal: new AbortController().signal,
    log: silentLogger,
    ...stateActions(all),
    retry(options) {
      throw new Retry(options)
    },
    [hooksOf]: all,
    ...fields,
  }
  return context
}
