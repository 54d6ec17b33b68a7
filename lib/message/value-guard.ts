import { types } from 'node:util'
import { Unserializable } from '../base/errors.ts'
import { TypedValue } from './typed-value.ts'

/**
 * What every encoder asks while it walks a value: where am I, have I been here, is it too deep, and what does this object turn into. Its
 * refusals name the path from the root.
 */
export class ValueGuard {
  readonly #format: string
  readonly #maxDepth: number
  readonly #rootNames: readonly string[] | undefined
  /** Undefined while a container was entered, but none of its members named. */
  readonly #keys: (string | number | undefined)[] = []
  readonly #ancestors: object[] = []

  /** @param rootNames what the elements of the root list are called in paths: `['args', 'kwargs']` makes `[0][1]` read `args[1]` */
  constructor(format: string, maxDepth: number, rootNames?: readonly string[]) {
    this.#format = format
    this.#maxDepth = maxDepth
    this.#rootNames = rootNames
  }

  /** Goes into a container. @throws {Unserializable} too deep, or inside itself */
  enter(container: object): void {
    const cycle = this.#ancestors.indexOf(container)
    if (cycle >= 0)
      this.refuse(`refers back to ${this.#pathTo(cycle)}, so it has no end. Send ids instead of references`)
    if (this.#ancestors.length >= this.#maxDepth)
      this.refuse(`lies deeper than ${this.#maxDepth} levels. Flatten it, or send a reference`)
    this.#ancestors.push(container)
    this.#keys.push(undefined)
  }

  /** Names the member of the innermost container that is encoded next. */
  at(key: string | number): void {
    this.#keys[this.#keys.length - 1] = key
  }

  leave(): void {
    this.#ancestors.pop()
    this.#keys.pop()
  }

  /**
   * Runs an encoder; an error that is not about encoding (a getter's, a proxy's, a `toJSON`'s) becomes a refusal of what was being read.
   * @throws {Unserializable}
   */
  run<T>(encode: () => T): T {
    try {
      return encode()
    } catch (error) {
      if (error instanceof Unserializable) throw error
      return this.refuse('could not be read: its getter, proxy or toJSON threw, or its text is too long', error)
    }
  }

  /**
   * What an object stands for: the result of its `toJSON`, what a boxed primitive holds, or itself where it is an array or has data.
   * Dates, bytes and typed values are the encoder's own business, before and after it asks here.
   * @throws {Unserializable} for kinds whose contents are not in their properties
   */
  dataOf(object: object): unknown {
    const { toJSON } = object as { toJSON?: unknown }
    if (typeof toJSON !== 'function') return this.#plainData(object)
    // As in JSON.stringify, what toJSON returned is not asked for a toJSON of its own.
    const data: unknown = toJSON.call(object, String(this.#keys.at(-1) ?? ''))
    return typeof data === 'object' && data !== null && !isTyped(data) ? this.#plainData(data) : data
  }

  #plainData(object: object): unknown {
    if (Array.isArray(object)) return object
    const prototype = Object.getPrototypeOf(object)
    if (prototype === Object.prototype || prototype === null) return object
    if (types.isBoxedPrimitive(object)) return object.valueOf()
    for (const [isKind, name, advice] of opaqueKinds)
      if (isKind(object)) this.refuse(`is ${name}, which has no ${this.#format} form. ${advice}`)
    return object
  }

  /** @throws {Unserializable} always: for values that no format of ours has */
  refuseValue(value: unknown): never {
    if (value === undefined)
      this.refuse(`is undefined, which has no ${this.#format} form. Send null, or leave a trailing argument out`)
    if (typeof value === 'function')
      this.refuse('is a function, and code does not travel. Send data; a task is sent as a signature')
    this.refuse(`is a ${typeof value}, which has no ${this.#format} form. Send its description as a string`)
  }

  /** @throws {Unserializable} always; the message is the path and then `why` */
  refuse(why: string, cause?: unknown): never {
    throw new Unserializable(`${this.#pathTo(this.#keys.length)} ${why}.`, cause === undefined ? undefined : { cause })
  }

  #pathTo(depth: number): string {
    let path = ''
    for (const [level, key] of this.#keys.slice(0, depth).entries()) {
      if (key === undefined) break
      const name = level === 0 && typeof key === 'number' ? this.#rootNames?.[key] : undefined
      if (name !== undefined) path += name
      else if (typeof key === 'number') path += `[${key}]`
      else if (/^[A-Za-z_$][\w$]{0,99}$/.test(key)) path += path === '' ? key : `.${key}`
      else path += `[${JSON.stringify(key.slice(0, 100))}]`
    }
    return path === '' ? 'The value' : path
  }
}

/** What encoders write in a way of their own, or refuse. By brand, not class: another realm's (a test runner's, say) are the same. */
export function isTyped(object: object): object is Date | Uint8Array | TypedValue {
  return types.isDate(object) || types.isUint8Array(object) || object instanceof TypedValue
}

const opaqueKinds: readonly (readonly [isKind: (object: unknown) => boolean, name: string, advice: string])[] = [
  [types.isMap, 'a Map', 'Send Object.fromEntries(map), or [...map]'],
  [types.isSet, 'a Set', 'Send [...set]'],
  [types.isPromise, 'a promise', 'Await it first'],
  [(object) => types.isNativeError(object) || object instanceof Error, 'an error', 'Send its message, or throw it'],
  [types.isRegExp, 'a regular expression', 'Send its source and flags as strings'],
  [types.isAnyArrayBuffer, 'an ArrayBuffer', 'Send new Uint8Array(buffer)'],
  [ArrayBuffer.isView, 'an array of binary numbers', 'Send a Uint8Array, or [...numbers]'],
  [types.isWeakMap, 'a WeakMap', 'Send plain data'],
  [types.isWeakSet, 'a WeakSet', 'Send plain data'],
  [types.isGeneratorObject, 'a generator', 'Send [...generator]'],
]
