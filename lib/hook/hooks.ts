import type { DeadLetterReason } from '../broker/broker.ts'
import type { ErrorRecord } from '../message/encoded.ts'
import type { TaskHeaders } from '../message/task-message.ts'

/**
 * Every point where users and telemetry may look in, with what a listener gets, in the order of a task's life. `app.on(name, listener)`.
 * Listeners are called in the order they were added; one that throws is logged and hurts nobody. A listener that returns a promise is
 * awaited only where the text says so.
 */
export interface AppEvents {
  /** Before a call is encoded; `headers` may be added to. Awaited. Celery's `before_task_publish`. */
  beforePublish: {
    readonly task: string
    readonly id: string
    readonly queue: string
    readonly headers: Record<string, unknown>
  }
  /** After the broker has taken the message. Celery's `after_task_publish`. */
  afterPublish: { readonly task: string; readonly id: string; readonly queue: string }
  /** A worker has claimed a message and read its headers. Celery's `task_received`. */
  taskReceived: TaskEvent
  /** The message names a task that this worker does not have. Celery's `task_unknown`. */
  taskUnknown: TaskEvent
  /** A message was refused and set aside. Celery's `task_rejected`. */
  taskRejected: {
    readonly id: string | undefined
    readonly task: string | undefined
    readonly queue: string
    readonly reason: DeadLetterReason
    readonly detail: string
  }
  /** Just before the function is called. Celery's `task_prerun`. */
  taskStarted: TaskEvent
  taskSuccess: TaskEvent & { readonly runtimeMs: number }
  taskRetry: TaskEvent & { readonly error: ErrorRecord; readonly notBefore: number | undefined }
  taskFailure: TaskEvent & { readonly error: Error; readonly runtimeMs: number }
  taskRevoked: TaskEvent & { readonly reason: 'revoked' | 'expired' | 'terminated' }
  /** After the function ended, however it did. Celery's `task_postrun`. */
  taskFinished: TaskEvent & { readonly state: string; readonly runtimeMs: number }
  /** The worker takes tasks from now on. Celery's `worker_ready`. */
  workerReady: { readonly hostname: string; readonly queues: readonly string[] }
  /** The worker began to stop. Celery's `worker_shutting_down`. */
  workerStopping: { readonly hostname: string; readonly how: 'warm' | 'cold' }
  /** The worker has stopped. Celery's `worker_shutdown`. */
  workerStopped: { readonly hostname: string }
  /** The event loop was blocked for over a second. */
  loopBlocked: {
    readonly hostname: string
    readonly blockedMs: number
    readonly tasks: readonly { readonly id: string; readonly task: string }[]
  }
}

export interface TaskEvent {
  readonly task: string
  readonly id: string
  readonly headers: TaskHeaders
  readonly hostname: string
}

export type AppEventName = keyof AppEvents
export type AppListener<E extends AppEventName> = (event: AppEvents[E]) => void | Promise<void>
