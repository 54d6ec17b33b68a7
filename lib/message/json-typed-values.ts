import { isUtf8 } from 'node:buffer'
import { types } from 'node:util'
import { formatIsoTime } from './iso-time.ts'
import { TypedValue, uuidText, WireDate } from './typed-value.ts'

/**
 * How dates, bytes and {@link TypedValue}s are written: `kombu` as kombu >= 5.3 does (`{"__type__", "__value__"}`), `plain` as the texts
 * that kombu 5.2 writes, for readers that know nothing else; they can't be told from strings again.
 */
export type TypedValues = 'kombu' | 'plain'

/** A `{"__type__", "__value__"}` pair on its way out; plain texts are strings instead. */
export interface TypedPair {
  readonly type: string
  readonly value: unknown
}

/**
 * The form of a date, bytes or typed value.
 * @returns undefined where `plain` has none (bytes, invalid dates)
 */
export function typedForm(value: Date | Uint8Array | TypedValue, mode: TypedValues): TypedPair | string | undefined {
  if (value instanceof TypedValue) return mode === 'kombu' ? value : (plainText(value) ?? value)
  if (types.isDate(value)) {
    const text = dateText(value)
    if (text === undefined || mode === 'kombu')
      return text === undefined ? undefined : { type: 'datetime', value: text }
    return text.endsWith('+00:00') ? `${text.slice(0, -6)}Z` : text
  }
  if (mode === 'plain') return undefined
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  return isUtf8(bytes)
    ? { type: 'bytes', value: bytes.toString('utf8') }
    : { type: 'base64', value: bytes.toString('base64') }
}

/**
 * The value with every `{"__type__", "__value__"}` object in it read, innermost first, as kombu does: a pair has exactly these two keys.
 * A type or text that we can't read becomes a {@link TypedValue}, so that nothing is lost. What holds no pair is returned as it is, and
 * nothing is changed in place. The value's depth must have been checked.
 */
export function reviveTyped(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return revivedArray(value)
  // Typed values, dates and bytes hold nothing to revive.
  const prototype = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) return value
  const revived = revivedMembers(value as Record<string, unknown>)
  return isTypedPair(revived) ? typedOf(revived.__type__, revived.__value__) : revived
}

function revivedArray(array: unknown[]): unknown[] {
  let copy: unknown[] | undefined
  for (let index = 0; index < array.length; index++) {
    const item = array[index]
    const revived = reviveTyped(item)
    if (typeof revived !== 'object' || revived === item) continue
    copy ??= array.slice()
    copy[index] = revived
  }
  return copy ?? array
}

function revivedMembers(object: Record<string, unknown>): object {
  let copy: Record<string, unknown> | undefined
  for (const key of Object.keys(object)) {
    const revived = reviveTyped(object[key])
    if (typeof revived !== 'object' || revived === object[key]) continue
    copy ??= { ...object }
    // Defined, not assigned: the key may be __proto__, whose assignment would change the prototype.
    Object.defineProperty(copy, key, { value: revived, enumerable: true, configurable: true, writable: true })
  }
  return copy ?? object
}

/** True for an object with exactly the keys `__type__` (a string) and `__value__`. */
export function isTypedPair(value: object): value is { __type__: string; __value__: unknown } {
  if (!Object.hasOwn(value, '__type__') || !Object.hasOwn(value, '__value__')) return false
  return Object.keys(value).length === 2 && typeof (value as { __type__: unknown }).__type__ === 'string'
}

function typedOf(type: string, value: unknown): unknown {
  if (typeof value === 'string') {
    if (type === 'datetime') {
      try {
        return new WireDate(value)
      } catch {
        // Not a text that we read (a time zone's name, say): kept as it came.
      }
    } else if (type === 'bytes' && isWellFormed(value)) return new Uint8Array(Buffer.from(value, 'utf8'))
    else if (type === 'base64') {
      const bytes = Buffer.from(value, 'base64')
      // Node skips what is no base64; only what reads back the same is taken as bytes.
      if (bytes.toString('base64') === value) return new Uint8Array(bytes)
    }
  }
  return new TypedValue(type, value)
}

function dateText(date: Date): string | undefined {
  if (date instanceof WireDate && date.isUnchanged) return date.text
  const ms = date.getTime()
  // Python has the years 1 to 9999 only.
  return Number.isNaN(ms) || date.getUTCFullYear() < 1 || date.getUTCFullYear() > 9999 ? undefined : formatIsoTime(ms)
}

/** What kombu 5.2 wrote for these types; undefined for types it did not know. */
function plainText(typed: TypedValue): string | undefined {
  if (typed.type === 'uuid') return uuidText(typed.value)
  if (typeof typed.value !== 'string') return undefined
  if (typed.type === 'date') return `${typed.value}T00:00:00`
  return typed.type === 'decimal' || typed.type === 'time' || typed.type === 'datetime' ? typed.value : undefined
}

function isWellFormed(text: string): boolean {
  // In lib.es2024; every supported Node has it.
  return (text as unknown as { isWellFormed(): boolean }).isWellFormed()
}
