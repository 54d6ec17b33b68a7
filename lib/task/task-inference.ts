import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { Args } from '../canvas/signature.ts'
import type { IsAny, Sent } from './sent.ts'
import type { TaskContext } from './task-context.ts'

/*
 * What the compiler finds out about a function that becomes a task.
 */

export type AnyClass = abstract new (...args: never) => unknown

/** A function's arguments. A generic function's are its constraint's, an overloaded one's are the last overload's. */
// biome-ignore lint/suspicious/noExplicitAny: F is still Function while a hook in the options waits for its types
export type ArgsOf<F> = F extends (...args: infer A) => unknown ? A : any

/** What a caller gets of a function's result. */
// biome-ignore lint/suspicious/noExplicitAny: as above
export type ResultOf<F> = F extends (...args: never) => infer R ? Sent<Awaited<R>> : any

/** The function without its context. */
export type Unbound<F> = F extends (task: never, ...rest: infer A) => infer R
  ? TakesContext<F> extends true
    ? (...args: A) => R
    : F
  : F & Function

/** A property that no argument has: the compiler's message ends with the reason. */
export type Refuse<Why extends string> = { readonly [refused]: Why }

/** What a function must be to become a task: no class, and no first parameter that wants a context. */
export type Fit<F> = F extends AnyClass
  ? Refuse<'a class is not a task'>
  : TakesContext<F> extends true
    ? Refuse<'a TaskContext needs { bind: true }'>
    : unknown

/** What a function must be to become a bound task. */
export type BoundFit<F> = Function extends F
  ? unknown
  : TakesContext<F> extends true
    ? unknown
    : Refuse<'bind: true: write (task: TaskContext, …)'>

export type Schema = StandardSchemaV1
export type In<S extends Schema> = StandardSchemaV1.InferInput<S>
export type Out<S extends Schema> = StandardSchemaV1.InferOutput<S>

/** A tuple schema is all arguments, any other the only one. */
export type SchemaArgs<T> = T extends Args ? T : [input: T]
/** The one object argument may be given by name. */
export type SchemaNames<T> = T extends Args ? [] : ['**input']

declare const refused: unique symbol

type TakesContext<F> =
  ArgsOf<F> extends readonly [(infer T)?, ...unknown[]]
    ? IsAny<T> extends true
      ? false
      : [T] extends [never]
        ? false
        : [T] extends [TaskContext]
          ? true
          : false
    : false
