import type { StandardSchemaV1 } from '@standard-schema/spec'
import { InvalidTask } from '../base/errors.ts'
import { shown } from '../canvas/plain-value.ts'
import type { DefinitionSite } from './definition-site.ts'
import { type ParamList, paramsHint, readParams } from './params.ts'
import { isSchema } from './schema.ts'
import type { TaskDefinition } from './task-definition.ts'
import { isTaskName, taskNameRule, taskOptionProblems } from './task-option-problems.ts'
import type { TaskOptions } from './task-options.ts'

/** Task options with those that say how the function is called. */
export interface DefinitionOptions extends TaskOptions {
  /** The function's first parameter is the {@link TaskContext}. @default false */
  bind?: boolean | undefined
  /** Names of the parameters, so that arguments may be given by name. */
  params?: readonly string[] | undefined
  /** A tuple schema is all arguments, any other the only one. */
  input?: StandardSchemaV1 | undefined
  output?: StandardSchemaV1 | undefined
}

/** What is given where a task is defined. */
export interface TaskSource {
  readonly fn: Function
  /** Used where the options have no name: the function's own or `Class.method`. */
  readonly fallbackName: string
  readonly options: DefinitionOptions
  readonly site: DefinitionSite
  /** The class of a static method: its `this` when a worker calls it. */
  readonly owner?: Function | undefined
}

/**
 * Checks a function and its options, all of them before it throws.
 * @throws {InvalidTask}
 */
export function defineTask(source: TaskSource): TaskDefinition {
  const { fn, owner, site } = source
  const { bind = false, params: names, input, output, ...options } = source.options
  const name = options.name ?? source.fallbackName
  const params = names === undefined ? undefined : readParams(names)
  const problems = [
    ...functionProblems(fn),
    ...nameProblems(name),
    ...definitionProblems(source.options),
    ...taskOptionProblems({ ...options, name: undefined }),
    ...(params === undefined ? [] : params.problems.map((problem) => `params: ${problem}`)),
  ]
  if (params !== undefined && problems.length === 0) problems.push(...arityProblems(fn, params.params, bind))
  if (problems.length > 0) throw refused(name, problems)
  return {
    name,
    fn: (owner === undefined ? fn : fn.bind(owner)) as TaskDefinition['fn'],
    options: Object.freeze(options),
    bind,
    params: params && withDefaults(params.params, fn, bind),
    input,
    output,
    get definedAt() {
      return site.toString()
    },
  }
}

function functionProblems(fn: Function): string[] {
  const kind = Object.prototype.toString.call(fn)
  if (kind === '[object GeneratorFunction]' || kind === '[object AsyncGeneratorFunction]')
    return [
      'a generator is not a task: what it yields could not be sent. Return a list, or store states by task.updateState()',
    ]
  // The prototype property of a class is read-only, that of a function is not.
  const isClass = Object.getOwnPropertyDescriptor(fn, 'prototype')?.writable === false
  return isClass ? ['a class is not a task: give sharedTask a function, or decorate a static method'] : []
}

function nameProblems(name: string): string[] {
  if (isTaskName(name)) return []
  return name === ''
    ? ["it has no name: name the function, or write sharedTask('app.name', …). The name is what workers know it by"]
    : [`its name must be ${taskNameRule}, not ${shown(name)}`]
}

function definitionProblems({ bind, params, input, output }: DefinitionOptions): string[] {
  const problems: string[] = []
  if (bind !== undefined && typeof bind !== 'boolean') problems.push(`bind must be true or false, not ${shown(bind)}`)
  for (const [option, schema] of Object.entries({ input, output }))
    if (schema !== undefined && !isSchema(schema))
      problems.push(`${option} must be a Standard Schema, as zod, valibot and arktype make them, not ${shown(schema)}`)
  if (params !== undefined && input !== undefined)
    problems.push('it has both params and input, which say the same thing in two ways: leave out params')
  return problems
}

function arityProblems(fn: Function, { positional, rest, named, namedRest }: ParamList, bind: boolean): string[] {
  const takes = fn.length - Number(bind)
  const given = positional.length + Number(named.length > 0 || namedRest !== undefined)
  if (takes <= given || rest !== undefined) return []
  return [`params name ${given} of the ${takes} arguments of the function. ${paramsHint}`]
}

/** A parameter that has a default in the function may be left out, whether or not its name says so. */
function withDefaults(params: ParamList, fn: Function, bind: boolean): ParamList {
  const required = fn.length - Number(bind)
  // Functions made of `...args`, as wrappers are, have length 0, which says nothing.
  if (required <= 0) return params
  return {
    ...params,
    positional: params.positional.map((param, index) => (index < required ? param : { ...param, optional: true })),
  }
}

function refused(name: string, problems: readonly string[]): InvalidTask {
  const what = isTaskName(name) ? `Task "${name}"` : 'A task'
  const how = problems.length === 1 ? 'is not defined right' : `is not defined right, for ${problems.length} reasons`
  return new InvalidTask(`${what} ${how}: ${problems.join('; ')}.`)
}
