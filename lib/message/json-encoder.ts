import { type TypedValues, typedForm } from './json-typed-values.ts'
import type { TypedValue } from './typed-value.ts'
import { isTyped, ValueGuard } from './value-guard.ts'

/**
 * A value as Python's JSON. What `JSON.stringify` says the same way is left to it; everything else (see {@link JsonWriter}) is written here.
 * @param rootNames names for the elements of a root list, for error messages; see {@link ValueGuard}
 * @throws {Unserializable} naming the path of what can't travel
 */
export function encodeJson(
  value: unknown,
  options: { typedValues: TypedValues; maxDepth: number },
  rootNames?: readonly string[],
): string {
  try {
    if (value === undefined) return 'null' // what a function without a result returns is None to Python
    if (isPlain(value, options.maxDepth)) return JSON.stringify(value)
  } catch {
    // A getter, a proxy or the size of the text: written again below, where the path is known.
  }
  return new JsonWriter(options, rootNames).write(value)
}

/** True when `JSON.stringify` writes exactly what Python shall read. Measured at a quarter of the time of the `stringify` that follows it. */
function isPlain(value: unknown, depthLeft: number): boolean {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return true
    case 'number':
      if (value === 0) return 1 / value > 0
      return Number.isInteger(value) ? Number.isSafeInteger(value) : value - value === 0
    case 'object':
      return value === null || (depthLeft > 0 && isPlainContainer(value, depthLeft - 1))
    default:
      return false
  }
}

function isPlainContainer(value: object, depthLeft: number): boolean {
  if ((value as { toJSON?: unknown }).toJSON !== undefined) return false
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) if (!isPlain(value[index], depthLeft)) return false
    return true
  }
  const prototype = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) return false
  if ((value as { __type__?: unknown }).__type__ !== undefined) return false
  for (const key in value) {
    const member = (value as Record<string, unknown>)[key]
    if (member !== undefined && !isPlain(member, depthLeft)) return false
  }
  return true
}

/** Python refuses to read longer ones since 3.11 (and in the security releases before). */
const maxIntegerDigits = 4300

/**
 * Writes what `JSON.stringify` would lose or alter: big integers as digits, NaN and Infinity as Python's tokens, -0 and integers beyond
 * 2^53 that are no BigInt as floats (`-0.0`, `1e21`), dates, bytes and typed values as pairs or texts. Refuses what it would drop silently.
 */
class JsonWriter {
  readonly #typedValues: TypedValues
  readonly #guard: ValueGuard

  constructor(options: { typedValues: TypedValues; maxDepth: number }, rootNames: readonly string[] | undefined) {
    this.#typedValues = options.typedValues
    this.#guard = new ValueGuard('JSON', options.maxDepth, rootNames)
  }

  write(value: unknown): string {
    return this.#guard.run(() => this.#write(value))
  }

  #write(value: unknown): string {
    switch (typeof value) {
      case 'string':
        return JSON.stringify(value)
      case 'boolean':
        return value ? 'true' : 'false'
      case 'number':
        return numberText(value)
      case 'bigint':
        return this.#integer(value)
      case 'object':
        return value === null ? 'null' : this.#writeObject(value)
      default:
        return this.#guard.refuseValue(value)
    }
  }

  #writeObject(object: object): string {
    const data = isTyped(object) ? object : this.#guard.dataOf(object)
    if (typeof data !== 'object' || data === null) return this.#write(data)
    return isTyped(data) ? this.#writeTyped(data) : this.#writeContainer(data)
  }

  #writeTyped(value: Date | Uint8Array | TypedValue): string {
    const form = typedForm(value, this.#typedValues)
    if (typeof form === 'string') return JSON.stringify(form)
    if (form === undefined) {
      if (value instanceof Date) this.#guard.refuse('is an invalid date, or one outside the years 1 to 9999')
      this.#guard.refuse(
        `is bytes, which have no form with jsonTypedValues 'plain'. Send a string (base64, say), or use msgpack`,
      )
    }
    this.#guard.enter(value)
    this.#guard.at('__value__')
    const text = `{"__type__":${JSON.stringify(form.type)},"__value__":${this.#write(form.value)}}`
    this.#guard.leave()
    return text
  }

  #writeContainer(container: object): string {
    this.#guard.enter(container)
    const text = Array.isArray(container)
      ? this.#writeArray(container)
      : this.#writeMembers(container as Record<string, unknown>)
    this.#guard.leave()
    return text
  }

  #writeArray(array: readonly unknown[]): string {
    let text = '['
    for (let index = 0; index < array.length; index++) {
      this.#guard.at(index)
      text += (index === 0 ? '' : ',') + this.#write(array[index])
    }
    return `${text}]`
  }

  #writeMembers(object: Record<string, unknown>): string {
    let text = '{'
    let written = 0
    let pairKeys = 0
    for (const key of Object.keys(object)) {
      this.#guard.at(key)
      const member = object[key]
      if (member === undefined) continue
      if (key === '__type__' || key === '__value__') pairKeys++
      text += `${written++ === 0 ? '' : ','}${JSON.stringify(key)}:${this.#write(member)}`
    }
    if (written === 2 && pairKeys === 2) this.#refusePair()
    return `${text}}`
  }

  #refusePair(): never {
    this.#guard.leave()
    this.#guard.refuse(
      'has exactly the keys __type__ and __value__, which readers take for a typed value of Celery. Add a third key, or send a TypedValue',
    )
  }

  #integer(value: bigint): string {
    const text = value.toString()
    if (text.length > maxIntegerDigits)
      this.#guard.refuse(`has more than ${maxIntegerDigits} digits, which Python refuses to read. Send it as a string`)
    return text
  }
}

function numberText(value: number): string {
  if (Number.isInteger(value)) {
    if (value === 0) return 1 / value > 0 ? '0' : '-0.0'
    const text = String(value)
    // Digits alone would be read as an exact integer, by Python and as a BigInt by us; it is a float.
    return Number.isSafeInteger(value) || text.includes('e') ? text : `${text}.0`
  }
  return String(value) // NaN, Infinity and -Infinity are Python's tokens too
}
