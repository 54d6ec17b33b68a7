import type { Before, Tails } from '../canvas/partial-args.ts'
import type { Args, CallOptions, Signature } from '../canvas/signature.ts'
import type { AsyncResult } from '../result/async-result.ts'
import { directContext } from './direct-context.ts'
import type { Drop, Names, Zip } from './named-args.ts'
import { runDirectly } from './task-context.ts'
import type { TaskDefinition } from './task-definition.ts'
import type { ArgsOf, ResultOf } from './task-inference.ts'
import { type AppLookup, taskMethods } from './task-methods.ts'

/**
 * Everything that can be asked of a task but running it here: also of one that lives elsewhere. `A` are its arguments, `R` is what the
 * wire keeps of its result, `P` are the names of its parameters.
 */
export interface TaskHandle<A extends Args, R, P extends Names = []> {
  /** Its name on the wire; `name` is the function's own. */
  readonly taskName: string
  /** Sends a call. Resolves when the broker has taken the message. */
  delay(...args: A): Promise<AsyncResult<R>>
  /** As {@link delay}, with options and keyword arguments. */
  applyAsync(args: Readonly<A>, options?: CallOptions<R> & { kwargs?: never }): Promise<AsyncResult<R>>
  applyAsync<const G extends Readonly<Partial<A>>>(
    args: G,
    options: CallOptions<R> & { kwargs: P extends readonly [] ? never : Zip<Drop<A, G>, Drop<P, G>> },
  ): Promise<AsyncResult<R>>
  /**
   * Sends many calls in order, far cheaper than a loop: a thousand at a time, so that an endless generator is asked for no more than
   * the broker takes. When one is refused, the thousands before it stay sent.
   */
  delayMany(
    calls: Iterable<Readonly<A>> | AsyncIterable<Readonly<A>>,
    options?: CallOptions<R>,
  ): Promise<AsyncResult<R>[]>
  /** A call as data. What it lacks of the arguments comes in front, from whoever sends it. */
  s<G extends Tails<A>>(...given: G): Signature<Before<A, G>, R>
  /** As {@link s}, immutable: what would come in front is dropped. */
  // biome-ignore lint/suspicious/noExplicitAny: it takes whatever comes before it and drops it
  si(...args: A): Signature<any, R>
  /** The long form of {@link s}: with options, keyword arguments, `immutable`. */
  signature<G extends Tails<A>>(
    given: G,
    options?: CallOptions<R> & { kwargs?: never; immutable?: false | undefined },
  ): Signature<Before<A, G>, R>
  signature(
    given: Readonly<Partial<A>>,
    options: CallOptions<R> & {
      kwargs?: (P extends readonly [] ? never : Partial<Zip<A, P>>) | undefined
      immutable?: boolean | undefined
    },
    // biome-ignore lint/suspicious/noExplicitAny: which arguments are left then is beyond what types can say
  ): Signature<any, R>
  /** A handle of a call that was sent before. */
  result(id: string): AsyncResult<R>
}

/** A task that was defined here; it can also be run here. */
export interface LocalTask<A extends Args, R> {
  /** Runs it here and now as a worker would: with retries, limits, links. */
  applyEager(args: Readonly<A>, options?: CallOptions<R>): Promise<AsyncResult<R>>
}

/** A function that is a task: calling it runs it here as a plain function. */
export type Task<F extends Function> = TaskOf<F, ArgsOf<F>, ResultOf<F>>
/** As {@link Task}, where arguments and result are not plainly the function's. */
export type TaskOf<F extends Function, A extends Args, R, P extends Names = []> = F &
  TaskHandle<A, R, P> &
  LocalTask<A, R>
/** Any task at all, also one that lives elsewhere. */
// biome-ignore lint/suspicious/noExplicitAny: invariant parameters take no `unknown`
export type AnyTask = TaskHandle<any, any, any>

/** What {@link createTask} makes a task of. */
export interface TaskParts {
  /** The function itself; called with the caller's own `this`. */
  readonly fn: Function
  /** The definition; asked for when the task is first used, since a decorated method has none before its class is there. */
  definition(): TaskDefinition
  readonly app: AppLookup
  /** `this` of a static method that is called without one. */
  readonly owner?: (() => unknown) | undefined
}

/** The callable task: the function with a task's methods. It keeps the function's `name`, and `call`, `apply` and `bind` work. */
export function createTask(parts: TaskParts): AnyTask & Function {
  const { fn, definition, owner } = parts
  function task(this: unknown, ...args: unknown[]): unknown {
    const self = this ?? owner?.()
    const known = definition()
    return runDirectly(
      (worker) => directContext(known, args, worker),
      (frame) => Reflect.apply(fn, self, known.bind ? [frame.context, ...args] : args),
    )
  }
  Object.defineProperties(task, {
    name: { value: fn.name, configurable: true },
    length: { get: () => Math.max(0, fn.length - Number(definition().bind)), configurable: true },
    taskName: { get: () => definition().name, configurable: true },
  })
  // Like a class's methods: not listed, but open to be replaced by a user's tests.
  for (const [name, method] of Object.entries(taskMethods(definition, parts.app)))
    Object.defineProperty(task, name, { value: method, writable: true, configurable: true })
  // The types of its methods are computed from the function's by whoever asked for the task.
  return task as unknown as AnyTask & Function
}
