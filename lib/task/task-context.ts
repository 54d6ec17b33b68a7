/// <reference types="node" preserve="true" />
import { AsyncLocalStorage } from 'node:async_hooks'
import { InvalidCall } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import { shown } from '../canvas/plain-value.ts'
import type { WireProperties } from '../message/wire-message.ts'
import { Retry, type RetryOptions } from './task-signals.ts'

/** What a running task knows about its own run, and can do about it. With `bind: true` it is the function's first argument. */
export interface TaskContext {
  readonly id: string
  /** The task's name. */
  readonly name: string
  readonly args: readonly unknown[]
  readonly kwargs: Readonly<Record<string, unknown>>
  /** Retries made before this run; 0 at first. */
  readonly retries: number
  /** Null for ever. */
  readonly maxRetries: number | null
  readonly eta: Date | undefined
  readonly expires: Date | undefined
  /** The first task of the workflow; its own id when it is that. */
  readonly rootId: string
  /** The task that sent this one. */
  readonly parentId: string | undefined
  readonly groupId: string | undefined
  readonly groupIndex: number | undefined
  /** The queue that it came from. */
  readonly queue: string | undefined
  readonly priority: number | undefined
  /** Headers that the caller added; none of the protocol's. */
  readonly headers: Readonly<Record<string, unknown>>
  /** AMQP's properties, as sent. */
  readonly properties: WireProperties
  readonly deliveryInfo: DeliveryInfo
  /** The message was delivered before, and that delivery was not finished. */
  readonly redelivered: boolean
  /** 1 for the first delivery; one more for each that was lost with its worker. */
  readonly attempt: number
  /** Node name of the worker. */
  readonly hostname: string
  /** `gen<pid>@<host>` of whoever sent it. */
  readonly origin: string | undefined
  readonly correlationId: string | undefined
  readonly replyTo: string | undefined
  readonly stamps: Readonly<Record<string, unknown>>
  readonly stampedHeaders: readonly string[]
  readonly replacedTaskNesting: number
  /** Run by `applyEager` or `taskAlwaysEager`, without a worker. */
  readonly isEager: boolean
  /** Called as a plain function: nothing is stored, and `retry()` throws the error that it was given. */
  readonly isDirect: boolean
  /** In force for this run, in seconds. */
  readonly timeLimits: { readonly soft?: number | undefined; readonly hard?: number | undefined }
  /** Aborted on revoke, soft time limit and shutdown; its reason is `TaskRevoked`, `SoftTimeLimitExceeded` or `WorkerShutdown`. */
  readonly signal: AbortSignal
  /** Every line carries the task's name and id. */
  readonly log: Logger
  /** Stores a state of your own, seen by whoever follows the result. */
  updateState(state: string, meta?: unknown): Promise<void>
  /** Stores the state `PROGRESS` with `{ current, total }`, the shape that Celery's own tools show. */
  progress(done: number, total?: number): Promise<void>
  /**
   * Ends this run and asks for another one, under the same id. Never returns; where TypeScript doesn't see that: `throw task.retry(…)`.
   * @throws {Retry} always, unless the options are wrong; in a direct call, the error that it was given
   */
  retry(options?: RetryOptions): never
}

/** Where a message was sent to and how it arrived. */
export interface DeliveryInfo {
  readonly exchange: string
  readonly routingKey: string
  readonly priority?: number | undefined
  readonly redelivered: boolean
}

/** A context without what it can do. */
export type TaskFields = Omit<TaskContext, 'isDirect' | 'updateState' | 'progress' | 'retry'>

/** What a context's methods need of the run that it belongs to. */
export interface TaskHooks {
  storeState(state: string, meta: unknown): Promise<void>
  /** Told of each call that the task sent, as a result tuple: `[[id, parent], null]`. */
  noteChild(tuple: unknown): void
}

/** The running task as far as calls made inside it care: they take their root and parent from it. */
export interface ParentTask {
  readonly id: string
  readonly rootId: string
  readonly priority: number | undefined
  noteChild(tuple: unknown): void
}

/**
 * A context for a call as a plain function: what it stores goes nowhere, since nobody has its id, and shows in the log at level debug.
 */
export function createDirectContext(fields: TaskFields): TaskContext {
  const storeState = async (state: string, meta: unknown): Promise<void> => {
    fields.log.debug({ task: fields.name, state, meta }, 'A state of a direct call, stored nowhere')
  }
  return {
    ...fields,
    ...stateActions({ storeState }),
    isDirect: true,
    retry(options) {
      const retry = new Retry(options)
      throw options?.error ?? retry
    },
  }
}

/** The task that runs just now, however deep below it the caller stands; undefined outside of tasks. */
export function currentTask(): TaskContext | undefined {
  return running().getStore()?.context
}

/** Runs `fn`, and all that it awaits, with this context as {@link currentTask}. */
export function runInContext<T>(context: TaskContext, fn: () => T): T {
  return running().run({ context, worker: context }, fn)
}

/** As {@link runInContext}, for a call as a plain function: what it sends still belongs to the task around it, if there is one. */
export function runDirectly<T>(makeContext: MakeContext, fn: (frame: { readonly context: TaskContext }) => T): T {
  const frame = new DirectFrame(makeContext, running().getStore()?.worker)
  return running().run(frame, fn, frame)
}

/** Makes the context of a direct call; told of the task around it, if there is one. */
export type MakeContext = (worker: TaskContext | undefined) => TaskContext

/** The task that calls made just now come from: the one that a worker runs, whatever plain function calls lie between. */
export function parentTask(): ParentTask | undefined {
  const worker = running().getStore()?.worker as (TaskContext & { readonly [hooksOf]?: TaskHooks }) | undefined
  if (worker === undefined) return undefined
  const { id, rootId, priority } = worker
  return { id, rootId, priority, noteChild: (tuple) => worker[hooksOf]?.noteChild(tuple) }
}

/** What runs just now: the context to show, and the worker's own one that it lies in. */
interface Frame {
  readonly context: TaskContext
  readonly worker: TaskContext | undefined
}

/** Makes its context when somebody asks: most functions called directly never do. */
class DirectFrame implements Frame {
  readonly worker: TaskContext | undefined
  readonly #make: MakeContext
  #context: TaskContext | undefined

  constructor(make: MakeContext, worker: TaskContext | undefined) {
    this.#make = make
    this.worker = worker
  }

  get context(): TaskContext {
    this.#context ??= this.#make(this.worker)
    return this.#context
  }
}

/** Where a context keeps the {@link TaskHooks} of the run that it belongs to. */
export const hooksOf: unique symbol = Symbol.for('umbel.hooks') as never

const storage = Symbol.for('umbel.task')

// On globalThis, so that a task file with another copy of the package finds the task that this one's worker runs.
function running(): AsyncLocalStorage<Frame> {
  const holder = globalThis as { [storage]?: AsyncLocalStorage<Frame> }
  holder[storage] ??= new AsyncLocalStorage()
  return holder[storage]
}

/** The methods of a context that store states. */
export function stateActions({
  storeState,
}: Pick<TaskHooks, 'storeState'>): Pick<TaskContext, 'updateState' | 'progress'> {
  return {
    async updateState(state, meta = null) {
      if (typeof state !== 'string' || state === '')
        throw new InvalidCall(`updateState() takes the name of a state, not ${shown(state)}.`)
      await storeState(state, meta)
    },
    async progress(done, total) {
      if (!Number.isFinite(done) || (total !== undefined && !Number.isFinite(total)))
        throw new InvalidCall(
          `progress() takes numbers, how much is done and of how much, not ${shown(done)} and ${shown(total)}.`,
        )
      await storeState('PROGRESS', total === undefined ? { current: done } : { current: done, total })
    },
  }
}
