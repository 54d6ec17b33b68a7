import { isSecretName, maskUrl } from './mask-secrets.ts'

/** A value fit for a log line: plain, bounded, secrets masked. */
export type LoggedValue = string | number | boolean | null | LoggedValue[] | { [name: string]: LoggedValue }

const maxTextLength = 2048
const maxDepth = 6
const maxItems = 50
/** All values of one record together: a wide graph that points at itself must not grow with its depth. */
const maxValues = 500

/**
 * A bounded copy of anything: texts cut, secrets masked by name and in URLs, errors with type, message, stack, code and cause, bytes as their
 * count. Never throws: what can't be read says so.
 */
export function loggable(value: unknown): LoggedValue {
  return new Copier().copy(value, 0)
}

/**
 * The text with everything escaped that a terminal could act on or that could pass for a line of its own: control characters, escape
 * sequences, line separators, and marks that turn the direction of writing.
 */
export function printable(text: string): string {
  return text.replace(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the ones to escape
    /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g,
    (character) => shortEscapes[character] ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

const shortEscapes: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

class Copier {
  #left = maxValues

  copy(value: unknown, depth: number): LoggedValue {
    if (this.#left-- <= 0) return '…'
    try {
      return this.#copyAny(value, depth)
    } catch {
      return '[unreadable]' // a getter or a proxy that throws
    }
  }

  #copyAny(value: unknown, depth: number): LoggedValue {
    switch (typeof value) {
      case 'string':
        // Masked before it is cut, so that a password at the cut isn't shown by half; bounded first, since masking is not linear.
        return cut(maskUrl(value.slice(0, maxTextLength + 512)))
      case 'number':
        return Number.isFinite(value) ? value : String(value)
      case 'boolean':
        return value
      case 'object':
        return value === null ? null : this.#copyObject(value, depth)
      case 'function':
        return `[function ${cut(value.name)}]`
      default:
        return String(value) // undefined, bigint, symbol
    }
  }

  #copyObject(value: object, depth: number): LoggedValue {
    if (value instanceof Error) return this.#copyError(value, depth)
    if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'invalid date' : value.toISOString()
    if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`
    if (value instanceof Map || value instanceof Set) return this.#copyObject([...value], depth)
    if (depth >= maxDepth) return '…'
    if (Array.isArray(value)) {
      const items = value.slice(0, maxItems).map((item) => this.copy(item, depth + 1))
      return value.length > maxItems ? [...items, `… ${value.length - maxItems} more`] : items
    }
    return this.#copyEntries(Object.entries(value), depth)
  }

  #copyEntries(entries: readonly [string, unknown][], depth: number): { [name: string]: LoggedValue } {
    const copied: { [name: string]: LoggedValue } = Object.create(null)
    for (const [name, item] of entries.slice(0, maxItems)) {
      if (item === undefined) continue
      copied[name.slice(0, 200)] = isSecretName(name) && item !== null ? '********' : this.copy(item, depth + 1)
    }
    if (entries.length > maxItems) copied['…'] = `${entries.length - maxItems} more`
    return copied
  }

  #copyError(error: Error, depth: number): LoggedValue {
    const { name, message, stack, cause } = error
    const copied: { [name: string]: LoggedValue } = {
      type: cut(String(name)),
      message: cut(maskUrl(String(message))),
      // Twice the room: the first lines are the message again.
      stack: cut(maskUrl(String(stack ?? `${name}: ${message}`).slice(0, 2 * maxTextLength)), 2 * maxTextLength),
    }
    const code = (error as { code?: unknown }).code
    if (typeof code === 'string' || typeof code === 'number') copied['code'] = code
    if (cause !== undefined) copied['cause'] = depth >= maxDepth ? '…' : this.copy(cause, depth + 1)
    if (error instanceof AggregateError) copied['errors'] = this.copy(error.errors.slice(0, 10), depth + 1)
    return copied
  }
}

function cut(text: string, length: number = maxTextLength): string {
  return text.length > length ? `${text.slice(0, length)}…` : text
}
