import {
  ContentRefused,
  DecodeError,
  MaxRetriesExceededError,
  NotRegistered,
  SchemaRefused,
  SoftTimeLimitExceeded,
  TaskRevoked,
  TimeLimitExceeded,
  UmbelError,
  Unserializable,
  WorkerLostError,
} from '../base/errors.ts'

/** A class of errors, as both languages name it. */
export interface ErrorIdentity {
  /** The class name, qualified within its module. */
  readonly type: string
  readonly module: string | null
}

/** A constructor of errors, whatever it takes. */
export type AnyErrorClass = abstract new (...args: never) => Error

/** A class that Python knows under another name, or another module. `back`: a record of that name is rebuilt as this class. */
interface KnownClass extends ErrorIdentity {
  readonly class: AnyErrorClass
  readonly back: boolean
}

/** Module of errors that are JavaScript's own: one that Python does not have, so that it makes a class of that name up. */
const jsModule = 'js'

/**
 * Every class with a name of its own in Python. Errors that a caller could take for troubles of its own (a time-out, a broker out of
 * reach) are not rebuilt: what happened in the task stays a `TaskFailed` there.
 */
export const knownClasses: readonly KnownClass[] = [
  { class: Error, type: 'Exception', module: 'builtins', back: true },
  { class: TypeError, type: 'TypeError', module: 'builtins', back: true },
  { class: RangeError, type: 'ValueError', module: 'builtins', back: true },
  { class: SyntaxError, type: 'SyntaxError', module: 'builtins', back: true },
  { class: ReferenceError, type: 'NameError', module: 'builtins', back: true },
  { class: URIError, type: 'ValueError', module: 'builtins', back: false },
  { class: EvalError, type: 'RuntimeError', module: 'builtins', back: false },
  { class: AggregateError, type: 'ExceptionGroup', module: 'builtins', back: false },
  { class: TaskRevoked, type: 'TaskRevokedError', module: 'celery.exceptions', back: true },
  { class: NotRegistered, type: 'NotRegistered', module: 'celery.exceptions', back: true },
  { class: MaxRetriesExceededError, type: 'MaxRetriesExceededError', module: 'celery.exceptions', back: true },
  { class: TimeLimitExceeded, type: 'TimeLimitExceeded', module: 'billiard.exceptions', back: true },
  { class: SoftTimeLimitExceeded, type: 'SoftTimeLimitExceeded', module: 'billiard.exceptions', back: true },
  { class: WorkerLostError, type: 'WorkerLostError', module: 'billiard.exceptions', back: true },
  { class: SchemaRefused, type: 'SchemaRefused', module: 'umbel', back: true },
  { class: Unserializable, type: 'EncodeError', module: 'kombu.exceptions', back: false },
  { class: DecodeError, type: 'DecodeError', module: 'kombu.exceptions', back: false },
  { class: ContentRefused, type: 'ContentDisallowed', module: 'kombu.exceptions', back: false },
]

const knownByClass = new Map<unknown, KnownClass>(knownClasses.map((known) => [known.class, known]))

/** True for JavaScript's own error classes, whose instances are often told apart by `name` alone. */
export function isBuiltIn(errorClass: unknown): boolean {
  return knownByClass.get(errorClass)?.module === 'builtins' || errorClass === DOMException
}

/**
 * What a class is called on the wire: Python's name where it has one, `type` and `module` of a `TaskError` class, else its own name with
 * a module that Python does not have.
 */
export function identityOfClass(errorClass: AnyErrorClass): ErrorIdentity {
  const known = knownByClass.get(errorClass)
  if (known !== undefined) return { type: known.type, module: known.module }
  const { type, module } = errorClass as { type?: unknown; module?: unknown }
  const defaultModule = errorClass.prototype instanceof UmbelError ? 'umbel' : jsModule
  return {
    // An inherited type is the base class's, and not meant for this one.
    type:
      Object.hasOwn(errorClass, 'type') && isName(type) ? type : isName(errorClass.name) ? errorClass.name : 'Error',
    module: isModuleName(module) ? module : defaultModule,
  }
}

/** The classes of an error from its own to `Error`, each by its names in both languages. Empty for what is no error. */
export function classNamesOf(error: Error): string[] {
  const names: string[] = []
  for (
    let prototype: unknown = Object.getPrototypeOf(error);
    prototype instanceof Error || prototype === Error.prototype;
  ) {
    const errorClass = (prototype as Error).constructor as AnyErrorClass
    if (typeof errorClass === 'function') {
      const { type, module } = identityOfClass(errorClass)
      names.push(errorClass.name, type, `${module}.${type}`)
    }
    prototype = Object.getPrototypeOf(prototype)
  }
  return names
}

/** What may stand as a class in a record: an identifier, or a dotted path of them (`f.<locals>.Full` in Python). */
export function isName(text: unknown): text is string {
  return typeof text === 'string' && text.length <= 255 && /^[\p{L}_$][\p{L}\p{N}_$.<>-]*$/u.test(text)
}

/** What may stand as a module in a record: `builtins`, `shop.errors`, `@acme/errors`. */
export function isModuleName(text: unknown): text is string {
  return typeof text === 'string' && text.length <= 255 && /^[^\p{C}\s]+$/u.test(text)
}
