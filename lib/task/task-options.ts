import { type Duration, durationMs } from '../base/duration.ts'
import { InvalidTask } from '../base/errors.ts'
import type { ErrorClass } from '../message/error-record.ts'
import type { TaskContext } from './task-context.ts'
import { taskOptionProblems } from './task-option-problems.ts'
import type { RetryOptions } from './task-signals.ts'

/**
 * Everything that may be said of a task where it is defined, under Celery's names in camelCase; a number of a {@link Duration} is seconds.
 * A call's own options win over these, these win over the app's settings. `A` and `R` are its arguments and its result, for the hooks.
 */
// biome-ignore lint/suspicious/noExplicitAny: invariant parameters take no `unknown`
export interface TaskOptions<in out A extends readonly unknown[] = any, in out R = any> {
  /** Its name on the wire. @default the function's own name, or `Class.method` */
  name?: string | undefined
  queue?: string | undefined
  exchange?: string | undefined
  routingKey?: string | undefined
  /** 0 to 255, with the broker's own meaning: on RabbitMQ higher goes first, elsewhere 0 does. */
  priority?: number | undefined
  /** No start later than this after the call. */
  expires?: Duration | undefined
  /** 2 survives a restart of the broker, 1 need not. @default `taskDefaultDeliveryMode`, 2 */
  deliveryMode?: 1 | 2 | undefined
  /** @default `taskSerializer`, "json" */
  serializer?: string | undefined
  /** @default `taskCompression`, none */
  compression?: string | undefined
  /** Keeps no result. @default `taskIgnoreResult`, false */
  ignoreResult?: boolean | undefined
  /** @default `taskStoreErrorsEvenIfIgnored`, false */
  storeErrorsEvenIfIgnored?: boolean | undefined
  /** Records STARTED when the function is called. @default `taskTrackStarted`, false */
  trackStarted?: boolean | undefined
  /** Errors that are retried without being asked: constructors, or names such as `'ValueError'`, `'shop.errors.OutOfStock'`. @default [] */
  autoretryFor?: readonly (ErrorClass | string)[] | undefined
  /** Of those, the ones that are not. @default [] */
  dontAutoretryFor?: readonly (ErrorClass | string)[] | undefined
  /** Errors that are expected: logged in one line, without a stack. They are failures all the same. @default [] */
  throws?: readonly (ErrorClass | string)[] | undefined
  /** Null for ever. @default 3 */
  maxRetries?: number | null | undefined
  /** The wait before a retry that says no other. @default 180 */
  defaultRetryDelay?: Duration | undefined
  /**
   * Waits of `autoretryFor` double from this on: true is a second. As in Celery, `task.retry()` without `countdown` waits
   * `defaultRetryDelay` all the same.
   * @default false
   */
  retryBackoff?: boolean | Duration | undefined
  /** No wait of `retryBackoff` is longer. @default 600 */
  retryBackoffMax?: Duration | undefined
  /** Any wait between nothing and the computed one, so that tasks failed together don't return together. @default true */
  retryJitter?: boolean | undefined
  /** Options of the retries that `autoretryFor` makes. */
  retryKwargs?: Omit<RetryOptions, 'error'> | undefined
  /** Acknowledged after the result is stored; false is at most once: acknowledged, then run. @default `taskAcksLate`, true */
  acksLate?: boolean | undefined
  /** Both of the next two. @default `taskAcksOnFailureOrTimeout`, true */
  acksOnFailureOrTimeout?: boolean | undefined
  /** With `acksLate`: a failed task's message is done with; false sets it aside as a dead letter. @default `taskAcksOnFailure` */
  acksOnFailure?: boolean | undefined
  /** With `acksLate`: a timed-out task's message is done with; false gives it back to its queue. @default `taskAcksOnTimeout` */
  acksOnTimeout?: boolean | undefined
  /** Runs again when the process that ran it is lost. @default `taskRejectOnWorkerLost`, true */
  rejectOnWorkerLost?: boolean | undefined
  /** Past this the task is ended and fails with `TimeLimitExceeded`. @default `taskTimeLimit`, none */
  timeLimit?: Duration | undefined
  /** Past this `task.signal` is aborted with `SoftTimeLimitExceeded`. @default `taskSoftTimeLimit`, none */
  softTimeLimit?: Duration | undefined
  /** Arguments are checked against `params` where the task is called; false leaves it to the worker. @default true */
  typing?: boolean | undefined
  /** Not supported yet: refused at run time. */
  unique?: boolean | { key?: ((...args: A) => string) | undefined; for?: Duration | undefined } | undefined
  /** In the worker, just before the function. What it throws is the task's failure. */
  beforeStart?: ((task: TaskContext) => void | Promise<void>) | undefined
  onSuccess?: ((value: R, task: TaskContext) => void | Promise<void>) | undefined
  onFailure?: ((error: Error, task: TaskContext) => void | Promise<void>) | undefined
  onRetry?: ((error: Error, task: TaskContext) => void | Promise<void>) | undefined
  /** After the run and the hooks above, however it ended. */
  afterReturn?: ((ending: TaskEnding<R>, task: TaskContext) => void | Promise<void>) | undefined
}

/** How a run ended, as `afterReturn` is told; by `kind`. */
export type TaskEnding<R> =
  | { readonly kind: 'succeeded'; readonly value: R }
  | { readonly kind: 'failed'; readonly error: Error }
  | { readonly kind: 'retried'; readonly error: Error }

/** The app's settings that tasks fall back on. */
export interface TaskDefaults {
  readonly serializer: string
  readonly compression?: string | undefined
  readonly deliveryMode: 1 | 2
  readonly ignoreResult: boolean
  readonly storeErrorsEvenIfIgnored: boolean
  readonly trackStarted: boolean
  readonly acksLate: boolean
  readonly acksOnFailure: boolean
  readonly acksOnTimeout: boolean
  readonly rejectOnWorkerLost: boolean
  readonly timeLimitMs?: number | undefined
  readonly softTimeLimitMs?: number | undefined
  /** `taskAnnotations`: options by task name, or by `*` for all; they win over the task's own. */
  readonly annotations?: Readonly<Record<string, TaskOptions>> | undefined
}

/** A task's options with the app's defaults filled in and every time in ms. */
export interface EffectiveTaskOptions {
  readonly queue: string | undefined
  readonly exchange: string | undefined
  readonly routingKey: string | undefined
  readonly priority: number | undefined
  readonly expiresMs: number | undefined
  readonly deliveryMode: 1 | 2
  readonly serializer: string
  readonly compression: string | undefined
  readonly ignoreResult: boolean
  readonly storeErrorsEvenIfIgnored: boolean
  readonly trackStarted: boolean
  readonly autoretryFor: readonly (ErrorClass | string)[]
  readonly dontAutoretryFor: readonly (ErrorClass | string)[]
  readonly throws: readonly (ErrorClass | string)[]
  /** Null for ever. */
  readonly maxRetries: number | null
  readonly defaultRetryDelayMs: number
  readonly retryBackoff: false | { readonly firstMs: number }
  readonly retryBackoffMaxMs: number
  readonly retryJitter: boolean
  readonly retryKwargs: Omit<RetryOptions, 'error'>
  readonly acksLate: boolean
  readonly acksOnFailure: boolean
  readonly acksOnTimeout: boolean
  readonly rejectOnWorkerLost: boolean
  readonly timeLimitMs: number | undefined
  readonly softTimeLimitMs: number | undefined
  readonly typing: boolean
  readonly beforeStart: TaskOptions['beforeStart']
  readonly onSuccess: TaskOptions['onSuccess']
  readonly onFailure: TaskOptions['onFailure']
  readonly onRetry: TaskOptions['onRetry']
  readonly afterReturn: TaskOptions['afterReturn']
}

/** What {@link effectiveTaskOptions} needs of a task; a definition fits. */
export interface Optioned {
  readonly name: string
  readonly options: TaskOptions
}

/**
 * Checks task options, all of them before it throws: unknown names with the nearest right one, wrong values, what is not supported yet.
 * @param what whose they are, as the error shall begin: `Task "math.add"`
 * @throws {InvalidTask}
 */
export function validateTaskOptions(options: object, what: string): void {
  const problems = taskOptionProblems(options)
  if (problems.length === 0) return
  const count = problems.length === 1 ? 'a wrong option' : `${problems.length} wrong options`
  throw new InvalidTask(`${what} has ${count}: ${problems.join('; ')}.`)
}

/**
 * A task's options under an app: annotations over its own over the app's defaults. Computed once for each task and app.
 * @param definition its options were checked already
 * @throws {InvalidTask} when an annotation is wrong
 */
export function effectiveTaskOptions(definition: Optioned, defaults: TaskDefaults): EffectiveTaskOptions {
  let byTask = computed.get(defaults)
  if (byTask === undefined) {
    byTask = new WeakMap()
    computed.set(defaults, byTask)
  }
  let effective = byTask.get(definition)
  if (effective === undefined) {
    effective = compute(annotated(definition, defaults), defaults)
    byTask.set(definition, effective)
  }
  return effective
}

const computed = new WeakMap<TaskDefaults, WeakMap<Optioned, EffectiveTaskOptions>>()

function annotated({ name, options }: Optioned, { annotations = {} }: TaskDefaults): TaskOptions {
  const merged: Record<string, unknown> = { ...options }
  // A call by name alone has no task to annotate.
  for (const key of name === '' ? [] : ['*', name]) {
    if (!Object.hasOwn(annotations, key)) continue
    const annotation = annotations[key]!
    validateTaskOptions(annotation, `taskAnnotations[${JSON.stringify(key)}]`)
    for (const [option, value] of Object.entries(annotation)) if (value !== undefined) merged[option] = value
  }
  return merged
}

function compute(options: TaskOptions, defaults: TaskDefaults): EffectiveTaskOptions {
  const { acksOnFailureOrTimeout, maxRetries, retryBackoff = false } = options
  const ms = (name: 'expires' | 'defaultRetryDelay' | 'retryBackoffMax' | 'timeLimit' | 'softTimeLimit') =>
    options[name] === undefined ? undefined : durationMs(options[name], name)
  const firstMs =
    typeof retryBackoff === 'boolean' ? Number(retryBackoff) * 1000 : durationMs(retryBackoff, 'retryBackoff')
  return {
    queue: options.queue,
    exchange: options.exchange,
    routingKey: options.routingKey,
    priority: options.priority,
    expiresMs: ms('expires'),
    deliveryMode: options.deliveryMode ?? defaults.deliveryMode,
    serializer: options.serializer ?? defaults.serializer,
    compression: options.compression ?? defaults.compression,
    ignoreResult: options.ignoreResult ?? defaults.ignoreResult,
    storeErrorsEvenIfIgnored: options.storeErrorsEvenIfIgnored ?? defaults.storeErrorsEvenIfIgnored,
    trackStarted: options.trackStarted ?? defaults.trackStarted,
    autoretryFor: options.autoretryFor ?? [],
    dontAutoretryFor: options.dontAutoretryFor ?? [],
    throws: options.throws ?? [],
    maxRetries: maxRetries === undefined ? 3 : maxRetries,
    defaultRetryDelayMs: ms('defaultRetryDelay') ?? 180_000,
    retryBackoff: firstMs === 0 ? false : { firstMs },
    retryBackoffMaxMs: ms('retryBackoffMax') ?? 600_000,
    retryJitter: options.retryJitter ?? true,
    retryKwargs: options.retryKwargs ?? {},
    acksLate: options.acksLate ?? defaults.acksLate,
    acksOnFailure: options.acksOnFailure ?? acksOnFailureOrTimeout ?? defaults.acksOnFailure,
    acksOnTimeout: options.acksOnTimeout ?? acksOnFailureOrTimeout ?? defaults.acksOnTimeout,
    rejectOnWorkerLost: options.rejectOnWorkerLost ?? defaults.rejectOnWorkerLost,
    timeLimitMs: ms('timeLimit') ?? defaults.timeLimitMs,
    softTimeLimitMs: ms('softTimeLimit') ?? defaults.softTimeLimitMs,
    typing: options.typing ?? true,
    beforeStart: options.beforeStart,
    onSuccess: options.onSuccess,
    onFailure: options.onFailure,
    onRetry: options.onRetry,
    afterReturn: options.afterReturn,
  }
}
