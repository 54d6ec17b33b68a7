import { InvalidCall } from '../base/errors.ts'
import { parseIsoTime } from './iso-time.ts'

/**
 * A value of a type that JavaScript has no own class for, as Celery writes it in JSON: `{"__type__": …, "__value__": …}`. It is encoded
 * again exactly as it came. To send one to Python, make one: `new TypedValue('decimal', '1.10')`.
 *
 * Known types: `date` (`'2026-08-09'`), `time` (`'10:11:12'`), `decimal` (`'1.10'`), `uuid` (`{ hex: '…' }`); further ones are those that
 * the Python application registered with kombu. Times with a date arrive as {@link WireDate}, bytes as `Uint8Array`.
 */
export class TypedValue {
  readonly type: string
  readonly value: unknown

  constructor(type: string, value: unknown) {
    this.type = type
    this.value = value
  }

  /** The value's text, as Python's `str()` shows it for the known types. */
  toString(): string {
    if (this.type === 'uuid') return uuidText(this.value) ?? String(this.value)
    return String(this.value)
  }
}

/**
 * A time that remembers how the sender wrote it: microseconds, offset, or that it had none. Where it was not changed it is sent on with
 * exactly that text; a plain `Date` could not keep it.
 */
export class WireDate extends Date {
  readonly text: string
  readonly #ms: number

  /**
   * @param text ISO 8601; without an offset it stands for UTC
   * @throws {InvalidCall} when it is no such text
   */
  constructor(text: string) {
    const ms = parseIsoTime(text)
    if (ms === undefined)
      throw new InvalidCall(
        `"${text.slice(0, 80)}" is no ISO 8601 date and time, such as 2026-08-09T10:11:12.345678+00:00.`,
      )
    super(ms)
    this.text = text
    this.#ms = ms
  }

  /** True while the time is still what `text` says; setters of `Date` end that. */
  get isUnchanged(): boolean {
    return this.getTime() === this.#ms
  }
}

/** `11111111-1111-4111-8111-111111111111` from Celery's `{ hex }`, or undefined when it is something else. */
export function uuidText(value: unknown): string | undefined {
  const hex = typeof value === 'object' && value !== null && 'hex' in value ? value.hex : value
  const digits = typeof hex === 'string' ? hex.replaceAll('-', '').toLowerCase() : ''
  const parts = /^([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})$/.exec(digits)
  return parts === null ? undefined : parts.slice(1).join('-')
}
