import { InvalidTask } from '../base/errors.ts'
import { isTable, isWireName, shown } from '../canvas/plain-value.ts'
import { currentApp } from './current-app.ts'
import { decorateMethod, isDecoration } from './decorate-method.ts'
import { type DefinitionOptions, defineTask } from './define-task.ts'
import { DefinitionSite } from './definition-site.ts'
import type { Names } from './named-args.ts'
import { parseParams } from './params.ts'
import type { Sent } from './sent.ts'
import { createTask, type Task, type TaskHandle, type TaskOf } from './task.ts'
import type { TaskContext } from './task-context.ts'
import type { TaskDefinition } from './task-definition.ts'
import type {
  AnyClass,
  ArgsOf,
  BoundFit,
  Fit,
  In,
  Out,
  ResultOf,
  Schema,
  SchemaArgs,
  SchemaNames,
  Unbound,
} from './task-inference.ts'
import { type AppLookup, handleMethods } from './task-methods.ts'
import { type TaskOptions, validateTaskOptions } from './task-options.ts'
import { registerSharedTask } from './task-registry.ts'

/**
 * Makes a function a task: `sharedTask(fn)`, `sharedTask(name, fn)`, `sharedTask(options, fn)`, and as a decorator of static methods, with
 * or without options. Calling the task runs the function here; `delay` and its like send it. An app's `task` has the same forms.
 */
export interface SharedTask {
  // Without `_` the first form would swallow every decorator.
  <F extends Function>(fn: F, _?: undefined): unknown extends Fit<F> ? Task<F> : Fit<F>
  <F extends Function>(name: string & Fit<F>, fn: F): Task<F>
  <F extends Function>(method: F & Fit<F>, context: StaticMethod<F>): void
  <F extends Function>(owner: AnyClass, key: string | symbol, descriptor: TypedPropertyDescriptor<F> & Fit<F>): void
  (options: TaskOptions & { bind: true; params?: Names }): BoundTaskDecorator
  (options?: TaskOptions & { bind?: false; params?: Names }): TaskDecorator
  <S extends Schema, R>(
    options: TaskOptions<SchemaArgs<In<S>>> & { bind: true; input: S; output?: undefined },
    fn: (task: TaskContext, ...args: SchemaArgs<Out<S>>) => R,
  ): SchemaTask<S, R, Sent<Awaited<R>>>
  <S extends Schema, O extends Schema, R extends In<O> | Promise<In<O>>>(
    options: TaskOptions<SchemaArgs<In<S>>> & { bind: true; input: S; output: O },
    fn: (task: TaskContext, ...args: SchemaArgs<Out<S>>) => R,
  ): SchemaTask<S, R, Sent<Out<O>>>
  <S extends Schema, O extends Schema, R extends In<O> | Promise<In<O>>>(
    options: TaskOptions<SchemaArgs<In<S>>> & { bind?: false; input: S; output: O },
    fn: (...args: SchemaArgs<Out<S>>) => R,
  ): SchemaTask<S, R, Sent<Out<O>>>
  <S extends Schema, R>(
    options: TaskOptions<SchemaArgs<In<S>>> & { bind?: false; input: S; output?: undefined },
    fn: (...args: SchemaArgs<Out<S>>) => R,
  ): SchemaTask<S, R, Sent<Awaited<R>>>
  <F extends Function, const P extends Names = []>(
    options: TaskOptions<ArgsOf<Unbound<F>>, ResultOf<F>> & { bind: true; params?: P; input?: undefined } & BoundFit<F>,
    fn: F,
  ): TaskOf<Unbound<F>, ArgsOf<Unbound<F>>, ResultOf<F>, P>
  // Last, because tsc explains why the last one did not fit.
  <F extends Function, const P extends Names = []>(
    options: TaskOptions<ArgsOf<F>, ResultOf<F>> & { bind?: false; params?: P; input?: undefined } & Fit<F>,
    fn: F,
  ): TaskOf<F, ArgsOf<F>, ResultOf<F>, P>
  /** The same with defaults: `const mailTask = sharedTask.with({ queue: 'mail' })`. */
  with(defaults: TaskOptions): SharedTask
}

/** A task whose arguments a schema knows: callers give its input, the function gets its output. */
export type SchemaTask<S extends Schema, R, Result> = TaskOf<
  (...args: SchemaArgs<Out<S>>) => R,
  SchemaArgs<In<S>>,
  Result,
  SchemaNames<In<S>>
>

/** Decorates static methods, in both kinds of decorators. */
export interface TaskDecorator {
  <F extends Function>(method: F & Fit<F>, context: StaticMethod<F>): void
  <F extends Function>(owner: AnyClass, key: string | symbol, descriptor: TypedPropertyDescriptor<F> & Fit<F>): void
}

/** As {@link TaskDecorator}, for methods that take a context first. */
export interface BoundTaskDecorator {
  <F extends BoundMethod>(method: F, context: StaticMethod<F>): void
  <F extends BoundMethod>(owner: AnyClass, key: string | symbol, descriptor: TypedPropertyDescriptor<F>): void
}

type BoundMethod = (task: TaskContext, ...args: never[]) => unknown

// biome-ignore lint/suspicious/noExplicitAny: a decorator takes methods of any class
type StaticMethod<F> = ClassMethodDecoratorContext<any, F & ((this: any, ...args: any) => any)> & {
  readonly static: true
  readonly private: false
}

/** Where a factory's tasks belong: to one app, or to all. */
export interface TaskHome {
  /** @throws {InvalidTask} when there is a task of that name */
  register(definition: TaskDefinition): void
  /** Asked each time a task is called. */
  readonly app: AppLookup
}

/** Defines tasks that belong to no app: each call looks up the current one. */
export const sharedTask: SharedTask = makeTaskFactory({ register: registerSharedTask, app: currentApp })

/** A {@link SharedTask} for tasks of one home; `app.task` is made by it. */
export function makeTaskFactory(home: TaskHome, defaults: TaskOptions = {}): SharedTask {
  function factory(first?: unknown, second?: unknown, third?: unknown): unknown {
    const site = new DefinitionSite(factory)
    const define = (fn: Function, options: object): unknown => {
      const definition = defineTask({ fn, fallbackName: fn.name, options: { ...defaults, ...options }, site })
      home.register(definition)
      return createTask({ fn, definition: () => definition, app: home.app })
    }
    const decorate = (options: object, target: [unknown, unknown, unknown]): unknown =>
      decorateMethod({ home, site, options: { ...defaults, ...options } as DefinitionOptions }, target)

    if (isDecoration(first, second)) return decorate({}, [first, second, third])
    if (second === undefined) {
      if (typeof first === 'function') return define(first, {})
      if (first === undefined || isTable(first))
        return (...target: [unknown, unknown, unknown]) => decorate(first ?? {}, target)
    } else if (typeof second === 'function') {
      if (typeof first === 'string') return define(second, { name: first })
      if (isTable(first)) return define(second, first)
    }
    throw new InvalidTask(
      `A task is made of a function: sharedTask(fn), sharedTask('app.name', fn) or sharedTask({ name: 'app.name' }, fn), not ${shown(first)} and ${shown(second)}.`,
    )
  }
  return Object.assign(factory as unknown as Omit<SharedTask, 'with'>, {
    with(more: TaskOptions): SharedTask {
      if (more.name !== undefined)
        throw new InvalidTask('A default name would be the name of many tasks. Leave it out.')
      validateTaskOptions(more, 'The object of defaults')
      return makeTaskFactory(home, { ...defaults, ...more })
    },
  }) as SharedTask
}

/**
 * The tasks among a class's static members, with their types: decorators can't change the type of what they decorate.
 * A method that was not decorated looks like a task to the compiler; using it throws.
 * @throws {InvalidTask}
 */
export function tasksOf<C extends AnyClass>(
  owner: C,
): {
  readonly [K in keyof C as K extends 'prototype' ? never : C[K] extends Function ? K : never]: C[K] extends Function
    ? Task<Unbound<C[K]>>
    : never
} {
  if (typeof owner !== 'function') throw new InvalidTask(`tasksOf() takes a class, not ${shown(owner)}.`)
  const tasks = {}
  for (
    let from: object = owner;
    typeof from === 'function' && from !== Function.prototype;
    from = Object.getPrototypeOf(from)
  )
    for (const key of Object.getOwnPropertyNames(from)) {
      if (Object.hasOwn(tasks, key) || typeof Object.getOwnPropertyDescriptor(from, key)?.value !== 'function') continue
      const member: unknown = Reflect.get(from, key)
      Object.defineProperty(tasks, key, { enumerable: isTask(member), get: () => taskOrThrow(member, owner, key) })
    }
  return tasks as ReturnType<typeof tasksOf<C>>
}

/** What may be said of a task that lives elsewhere: how its calls are sent, and how its parameters are named. */
export interface RemoteTaskOptions<P extends Names = Names>
  extends Pick<
    TaskOptions,
    | 'queue'
    | 'exchange'
    | 'routingKey'
    | 'priority'
    | 'expires'
    | 'deliveryMode'
    | 'serializer'
    | 'compression'
    | 'ignoreResult'
  > {
  params?: P | undefined
}

/**
 * A typed handle of a task that lives elsewhere, in another package or another language. Nothing of it is imported.
 * `remoteTask<typeof import('@acme/worker').fetchPage>('web.fetchPage')`, `remoteTask<(year: number) => string>('reports.build')`
 * @throws {InvalidTask}
 */
// biome-ignore lint/suspicious/noExplicitAny: invariant parameters take no `unknown`
export function remoteTask<F extends Function | TaskHandle<any, any, any>, const P extends Names = []>(
  name: string,
  options: RemoteTaskOptions<P> = {},
): F extends TaskHandle<infer A, infer R, infer Q> ? TaskHandle<A, R, Q> : TaskHandle<ArgsOf<F>, ResultOf<F>, P> {
  if (!isWireName(name))
    throw new InvalidTask(`The name of a remote task is text of 1 to 255 characters, not ${shown(name)}.`)
  const { params, ...rest } = options
  const what = `Remote task "${name}"`
  const foreign = Object.keys(rest).filter((option) => !remoteOptions.has(option))
  validateTaskOptions(rest, what)
  if (foreign.length > 0)
    throw new InvalidTask(`${what} can't be given ${foreign.join(', ')} here: say it where the task is defined.`)
  const target = { name, options: rest, params: params && parseParams(params, what) }
  return { taskName: name, ...handleMethods(() => target, currentApp) } as unknown as ReturnType<
    typeof remoteTask<F, P>
  >
}

const remoteOptions = new Set(
  'queue exchange routingKey priority expires deliveryMode serializer compression ignoreResult'.split(' '),
)

/** True for what `sharedTask` and `app.task` made, also those of another copy of the package. */
export function isTask(value: unknown): boolean {
  return (
    typeof value === 'function' && typeof (value as { delay?: unknown }).delay === 'function' && 'taskName' in value
  )
}

function taskOrThrow(member: unknown, owner: Function, key: string): unknown {
  if (isTask(member)) return member
  throw new InvalidTask(
    `${owner.name.replace(/^_+/, '')}.${key} is not a task. Decorate it with @sharedTask, or call it as it is.`,
  )
}
