import type { StandardSchemaV1 } from '@standard-schema/spec'
import { SchemaRefused } from '../base/errors.ts'
import { isTable } from '../canvas/plain-value.ts'
import type { Arguments } from './params.ts'

/*
 * Standard Schema (zod, valibot, arktype and their like) for arguments and results. The standard says how to validate, not what a schema
 * is made of, so this is how a tuple schema (all arguments) is told from any other (the one object argument):
 *
 * 1. A schema that takes `{}` is never a tuple: it gets the one argument. This is asked once for each schema, and guards against object
 *    schemas without required keys, which valibot and arktype let take any array.
 * 2. Any other gets the one argument if there is one, it is no array, and the schema takes it; else the list of all arguments.
 *
 * What the schema gives back is handed over in the same way: an array is all of the function's arguments, anything else the only one.
 */

/** What schemas need of a task; a definition fits. */
export interface Schemed {
  readonly name: string
  readonly input?: StandardSchemaV1 | undefined
  readonly output?: StandardSchemaV1 | undefined
}

/** A value now, or a promise of it where the schema is asynchronous. */
export type MaybePromise<T> = T | Promise<T>

/**
 * The arguments of a call as they shall be sent: checked by the task's schema, in the form in which they were given. The one object
 * argument is sent as keyword arguments, so that callers in other languages can name them.
 * @throws {SchemaRefused}
 */
export function validateInput(target: Schemed, { args, kwargs }: Arguments): MaybePromise<Arguments> {
  return andThen(tryInput(target, { args, kwargs }), ({ value, isOnly }) =>
    isOnly && isTable(value) ? { args: [], kwargs: { ...value } } : { args: isOnly ? [value] : args, kwargs: {} },
  )
}

/**
 * The arguments to call the function with: a message's, parsed by the task's schema.
 * @throws {SchemaRefused}
 */
export function parseInput(target: Schemed, { args, kwargs }: Arguments): MaybePromise<unknown[]> {
  return andThen(tryInput(target, { args, kwargs }), ({ output }) => (Array.isArray(output) ? output : [output]))
}

/**
 * What the function returned, parsed by the task's `output` schema; itself when there is none.
 * @throws {SchemaRefused}
 */
export function parseOutput(target: Schemed, value: unknown): MaybePromise<unknown> {
  if (target.output === undefined) return value
  return andThen(validate(target.output, value), (result) => {
    if (result.issues !== undefined) throw refused(`The result of ${target.name} was`, result.issues)
    return result.value
  })
}

/** True when it can be used as a schema: it has the standard's `~standard` property. */
export function isSchema(value: unknown): value is StandardSchemaV1 {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false
  const standard = (value as { '~standard'?: { version?: unknown; validate?: unknown } })['~standard']
  return typeof standard === 'object' && standard.version === 1 && typeof standard.validate === 'function'
}

/** One way of reading a message's arguments. `isOnly`: as the one argument, not as the list of all. */
interface Reading {
  readonly value: unknown
  readonly isOnly: boolean
}

type Accepted = Reading & { readonly output: unknown }
type Issues = readonly StandardSchemaV1.Issue[]

function tryInput(target: Schemed, given: Arguments): MaybePromise<Accepted> {
  const schema = target.input!
  return andThen(takesEmptyObject(schema), (isObjectSchema) =>
    firstAccepted(target, readings(target, given, isObjectSchema)),
  )
}

function readings({ name }: Schemed, { args, kwargs }: Arguments, isObjectSchema: boolean): Reading[] {
  const hasNames = Object.keys(kwargs).length > 0
  if (hasNames && args.length > 0)
    throw new TypeError(`${name}() takes its arguments in one piece: by position or by name, not both`)
  // A spread defines properties, so that a key named __proto__ stays a key.
  if (hasNames) return [{ value: { ...kwargs }, isOnly: true }]
  if (isObjectSchema && args.length > 1)
    throw new TypeError(`${name}() takes 1 argument, the object of its schema, but ${args.length} were given`)
  if (isObjectSchema) return [{ value: args.length === 0 ? {} : args[0], isOnly: true }]
  const all = { value: args, isOnly: false }
  if (args.length === 0) return [all, { value: {}, isOnly: true }]
  return args.length === 1 && !Array.isArray(args[0]) ? [{ value: args[0], isOnly: true }, all] : [all]
}

/** Reads in the first way that the schema takes; when it takes none, the error tells of the way that came furthest. */
function firstAccepted(
  target: Schemed,
  [reading, ...others]: Reading[],
  failed: Failure[] = [],
): MaybePromise<Accepted> {
  if (reading === undefined) throw refused(`Arguments of ${target.name} were`, furthest(failed))
  return andThen(validate(target.input!, reading.value), (result) =>
    result.issues === undefined
      ? { ...reading, output: result.value }
      : firstAccepted(target, others, [...failed, { ...reading, issues: result.issues }]),
  )
}

type Failure = Reading & { readonly issues: Issues }

/** Issues about something inside say more than one about the whole: "not an array" may only mean that it was read in the other way. */
function furthest(failed: readonly Failure[]): Issues {
  const depth = ({ issues }: Failure): number => Math.max(0, ...issues.map((issue) => issue.path?.length ?? 0))
  const deepest = Math.max(...failed.map(depth))
  const told = failed.filter((failure) => depth(failure) === deepest)
  if (told.length === 1) return told[0]!.issues
  return told.flatMap(({ isOnly, issues }) =>
    issues.map((issue) => ({
      ...issue,
      message: `${isOnly ? 'as the one argument' : 'as the list of arguments'}: ${issue.message}`,
    })),
  )
}

const objectSchemas = new WeakMap<StandardSchemaV1, boolean>()

function takesEmptyObject(schema: StandardSchemaV1): MaybePromise<boolean> {
  const known = objectSchemas.get(schema)
  if (known !== undefined) return known
  const remember = (isObjectSchema: boolean): boolean => {
    objectSchemas.set(schema, isObjectSchema)
    return isObjectSchema
  }
  // A check of the user's own that expects more than {} may throw: then {} is not taken.
  try {
    const taken = andThen(validate(schema, {}), (result) => remember(result.issues === undefined))
    return isPromise(taken) ? taken.catch(() => remember(false)) : taken
  } catch {
    return remember(false)
  }
}

function validate(schema: StandardSchemaV1, value: unknown): MaybePromise<StandardSchemaV1.Result<unknown>> {
  const result = schema['~standard'].validate(value)
  // A library may have promises of its own; from here on they are the language's.
  return isPromise(result) ? Promise.resolve(result) : result
}

function refused(what: string, issues: Issues): SchemaRefused {
  const listed = issues.slice(0, 10).map(describe)
  const more = issues.length > 10 ? `; and ${issues.length - 10} more` : ''
  return new SchemaRefused(`${what} refused by its schema: ${listed.join('; ')}${more}.`, { cause: issues })
}

function describe({ message, path = [] }: StandardSchemaV1.Issue): string {
  const at = path.map((part) => String(typeof part === 'object' ? part.key : part)).join('.')
  return at === '' ? message : `${at}: ${message}`
}

/** Goes on at once where the value is there, so that synchronous schemas cost no turn of the event loop. */
export function andThen<T, U>(value: MaybePromise<T>, next: (value: T) => MaybePromise<U>): MaybePromise<U> {
  return isPromise(value) ? value.then(next) : next(value)
}

function isPromise<T>(value: MaybePromise<T>): value is Promise<T> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function'
}
