import { types } from 'node:util'
import { TaskRevoked, UmbelError } from '../base/errors.ts'
import type { ErrorRecord } from './encoded.ts'
import {
  type AnyErrorClass,
  classNamesOf,
  type ErrorIdentity,
  identityOfClass,
  isBuiltIn,
  isModuleName,
  isName,
  knownClasses,
} from './error-identity.ts'
import { boundedArgs, textOf } from './error-text.ts'

/** A constructor of errors, whatever it takes: what `autoretryFor`, `throws` and the registered error classes are lists of. */
export type ErrorClass = AnyErrorClass

/**
 * The base of errors that cross languages: they are stored by class, module and constructor arguments, and rebuilt as themselves where
 * their class is registered. Pass your constructor's arguments on to `super` as they are: the class is called with them again.
 *
 * `static type` is the class's name on the wire, else it is the class's own; `static module` its module, else `js`, which Python does not
 * have. Where Python finds the class in that module, it raises that. Both are read where a subclass states them, and are not declared
 * here, so that it needs no `override`.
 */
export class TaskError extends Error {
  readonly args: readonly unknown[]

  constructor(...args: unknown[]) {
    super(args.map((arg) => textOf(arg)).join(', '))
    this.name = identityOfClass(new.target).type
    this.args = args
  }
}

/** What a task failed with, as its record tells it, where no class of ours stands for it: a Python error, an unregistered class. */
export class TaskFailed extends UmbelError {
  /** The class name, qualified within its module: `KeyError`, `Outer.Inner`. */
  readonly type: string
  /** `builtins`, `shop.errors`; null when the sender said none. */
  readonly module: string | null
  /** The remote constructor's arguments. */
  readonly args: readonly unknown[]
  /** The traceback or stack of the worker; empty when none was stored. */
  readonly remoteStack: string

  constructor(record: ErrorRecord, remoteStack = '') {
    const text = textOf(record.exc_message.map((arg) => textOf(arg)).join(', '))
    const isBuiltin = record.exc_module === null || record.exc_module === 'builtins' || record.exc_module === 'js'
    super(
      'UMBEL_TASK_FAILED',
      `${isBuiltin ? '' : `${record.exc_module}.`}${record.exc_type}${text === '' ? '' : `: ${text}`}`,
    )
    this.type = record.exc_type
    this.module = record.exc_module
    this.args = record.exc_message
    this.remoteStack = remoteStack
  }
}

/** Where a rebuilt error came from, so that sending it on sends what came. */
const recordOfRebuilt = new WeakMap<Error, ErrorRecord>()

/**
 * Anything thrown as a record for the result store. Never throws. At most 64 Ki characters of arguments; an argument that not every
 * serializer can carry is replaced by its text, as Celery does.
 */
export function errorRecordOf(error: unknown): ErrorRecord {
  try {
    const { type, module } = identityOf(error)
    return { exc_type: type, exc_message: boundedArgs(argsOf(error)), exc_module: module }
  } catch {
    // A proxy, or a getter that throws.
    return { exc_type: 'Exception', exc_message: ['An error was thrown that cannot be read.'], exc_module: 'builtins' }
  }
}

/** The stack of anything thrown, with its causes and, for an `AggregateError`, what it holds; at most 64 Ki characters. Never throws. */
export function tracebackOf(error: unknown): string {
  const parts: string[] = []
  collectStacks(error, '', { parts, seen: new Set() })
  return textOf(parts.join('\n'))
}

export interface RebuildOptions {
  /** The record's traceback; kept as `remoteStack`, and shown below the local stack. */
  readonly traceback?: string | null | undefined
  /** The classes that may be rebuilt from the wire. No others are ever looked up by name. */
  readonly classes?: Iterable<ErrorClass> | undefined
}

/**
 * The error that a record tells of: a registered class called with the stored arguments, JavaScript's own class for Python's
 * (`ValueError` is a `RangeError`), ours for Celery's (`TaskRevoked`, `TimeLimitExceeded` …), else a {@link TaskFailed}.
 * Never throws; junk becomes a `TaskFailed` that says so.
 * @param record {@link ErrorRecord}'s shape, undecoded trust: whatever stood in the result document
 */
export function errorFromRecord(record: unknown, options: RebuildOptions = {}): Error {
  const known = recordFrom(record)
  const remoteStack = textOf(options.traceback ?? '')
  const error = rebuilt(known, options.classes) ?? new TaskFailed(known, remoteStack)
  recordOfRebuilt.set(error, known)
  if (remoteStack !== '') {
    if (!(error instanceof TaskFailed))
      Object.defineProperty(error, 'remoteStack', { value: remoteStack, configurable: true })
    const stack = `${error.stack ?? ''}\n--- in the worker ---\n${remoteStack}`
    Object.defineProperty(error, 'stack', { value: stack, configurable: true, writable: true })
  }
  return error
}

/**
 * Whether an error is of one of these classes: constructors, or names with or without module, in either language (`'KeyError'`,
 * `'shop.errors.OutOfStock'`, `'RangeError'` as well as `'ValueError'`). Base classes match, as in `instanceof`. Never throws.
 */
export function matchesError(error: unknown, matchers: readonly (ErrorClass | string)[]): boolean {
  if (matchers.length === 0) return false
  try {
    const identity = identityOf(error)
    const isError = error instanceof Error
    const names = new Set(isError ? classNamesOf(error) : ['Error', 'Exception', 'builtins.Exception'])
    names.add(identity.type).add(`${identity.module}.${identity.type}`)
    for (const known of knownClasses) if (isSame(known, identity)) names.add(known.class.name)
    return matchers.some((matcher) =>
      typeof matcher === 'string'
        ? names.has(matcher)
        : (isError && error instanceof matcher) || isSame(identity, identityOfClass(matcher)),
    )
  } catch {
    return false
  }
}

function isSame(a: ErrorIdentity, b: ErrorIdentity): boolean {
  return a.type === b.type && a.module === b.module
}

function identityOf(error: unknown): ErrorIdentity {
  if (!(error instanceof Error)) return identityOfForeign(error)
  const record = recordOfRebuilt.get(error)
  if (record !== undefined) return { type: record.exc_type, module: record.exc_module }
  if (error instanceof TaskFailed) return { type: error.type, module: error.module }
  const errorClass = error.constructor
  if (typeof errorClass !== 'function') return { type: 'Exception', module: 'builtins' }
  // `error.name = 'ValidationError'` on a plain Error is how many libraries make their kinds.
  if (isBuiltIn(errorClass) && error.name !== errorClass.name && isName(error.name))
    return { type: error.name, module: 'js' }
  return identityOfClass(errorClass as ErrorClass)
}

/** Of an error from another realm (a `vm` context) by its name; anything else that was thrown is an Exception to Python. */
function identityOfForeign(error: unknown): ErrorIdentity {
  const name = types.isNativeError(error) ? error.name : 'Error'
  const known = knownClasses.find((candidate) => candidate.module === 'builtins' && candidate.class.name === name)
  if (known !== undefined) return { type: known.type, module: known.module }
  return { type: isName(name) ? name : 'Exception', module: 'js' }
}

function argsOf(error: unknown): readonly unknown[] {
  if (!(error instanceof Error) && !types.isNativeError(error))
    return [typeof error === 'object' || error === undefined ? textOf(error) : error]
  const record = recordOfRebuilt.get(error)
  if (record !== undefined) return record.exc_message
  if (error instanceof TaskError || error instanceof TaskFailed) return Array.isArray(error.args) ? error.args : []
  if (error instanceof TaskRevoked) return [error.reason]
  if (error instanceof AggregateError && error.message === '')
    return [`${error.errors.length} errors: ${textOf(error.errors[0])}`]
  return error.message === '' ? [] : [String(error.message)]
}

const deepestCause = 8
const mostErrors = 10

function collectStacks(error: unknown, lead: string, trail: { parts: string[]; seen: Set<unknown> }): void {
  if (trail.seen.size >= deepestCause * mostErrors || trail.seen.has(error)) return
  trail.seen.add(error)
  try {
    const isError = error instanceof Error || types.isNativeError(error)
    const stack = isError && typeof error.stack === 'string' && error.stack !== '' ? error.stack : undefined
    const text = stack ?? (isError ? `${String(error.name)}: ${textOf(error)}` : textOf(error))
    trail.parts.push(lead + textOf(text))
    if (!isError) return
    if (error instanceof AggregateError && Array.isArray(error.errors))
      for (const [index, inner] of error.errors.slice(0, mostErrors).entries())
        collectStacks(inner, `Holding error ${index + 1} of ${error.errors.length}: `, trail)
    if (error.cause !== undefined && error.cause !== null) collectStacks(error.cause, 'Caused by: ', trail)
  } catch {
    trail.parts.push(`${lead}an error that cannot be read`)
  }
}

function recordFrom(record: unknown): ErrorRecord {
  if (typeof record === 'string') return { exc_type: 'Exception', exc_message: [record], exc_module: null }
  if (typeof record !== 'object' || record === null || !('exc_type' in record) || !isName(record.exc_type))
    return {
      exc_type: 'Exception',
      exc_message: ['The task failed, but what was stored is no error record.'],
      exc_module: null,
    }
  const { exc_message: message = '', exc_module: module } = record as { exc_message?: unknown; exc_module?: unknown }
  return {
    exc_type: record.exc_type,
    exc_message: Array.isArray(message) ? message : [message],
    exc_module: isModuleName(module) ? module : null,
  }
}

function rebuilt(record: ErrorRecord, classes: Iterable<ErrorClass> | undefined): Error | undefined {
  const identity: ErrorIdentity = { type: record.exc_type, module: record.exc_module }
  for (const errorClass of classes ?? [])
    if (isSame(identityOfClass(errorClass), identity)) return called(errorClass, record.exc_message)
  const known = knownClasses.find((candidate) => candidate.back && isSame(candidate, identity))
  if (known === undefined) return undefined
  if (known.class === TaskRevoked) return revoked(record.exc_message[0])
  if (known.module === 'builtins') {
    // With other arguments the class of ours would lose them.
    const [message = '', ...others] = record.exc_message
    return typeof message === 'string' && others.length === 0 ? called(known.class, [message]) : undefined
  }
  const text = record.exc_message.map((arg) => textOf(arg)).join(', ')
  return called(known.class, [text === '' ? `The task ended with ${record.exc_type}.` : text])
}

function called(errorClass: ErrorClass, args: readonly unknown[]): Error | undefined {
  try {
    const error: unknown = Reflect.construct(errorClass, args)
    return error instanceof Error ? error : undefined
  } catch {
    // A constructor that refuses its stored arguments: they are in the TaskFailed that stands for it.
    return undefined
  }
}

function revoked(reason: unknown): TaskRevoked {
  if (reason === 'expired') return new TaskRevoked('The task had expired before it could run.', { reason })
  if (reason === 'terminated') return new TaskRevoked('The task was revoked and ended while it ran.', { reason })
  return new TaskRevoked('The task was revoked.', { reason: 'revoked' })
}
