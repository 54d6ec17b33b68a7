import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { ParamList } from './params.ts'
import type { TaskOptions } from './task-options.ts'

/** A registered task: what `sharedTask` or `app.task` was given, checked once. */
export interface TaskDefinition {
  readonly name: string
  /** Needs no `this`. With `bind`, the context comes first. */
  readonly fn: (...args: never[]) => unknown
  /** As written, and checked; {@link effectiveTaskOptions} merges them with the app's. */
  readonly options: TaskOptions
  /** The function's first parameter is the {@link TaskContext}. */
  readonly bind: boolean
  /** Parsed `params`; undefined when none were given. */
  readonly params: ParamList | undefined
  readonly input: StandardSchemaV1 | undefined
  readonly output: StandardSchemaV1 | undefined
  /** `file:line` of the definition, for the error about two tasks of one name. */
  readonly definedAt: string
}
