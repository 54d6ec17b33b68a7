import { types } from 'node:util'
import { isSecretName, maskUrl } from '../base/mask-secrets.ts'
import { formatIsoTime } from './iso-time.ts'
import { TypedValue, uuidText, WireDate } from './typed-value.ts'

export interface ReprOptions {
  /** Characters, after which it is cut; the marks of the cut come on top. @default 1024, as in Celery */
  readonly maxLength?: number | undefined
}

/**
 * Positional arguments as Python shows a tuple, for people: `(1, 'a', None)`. Travels in the `argsrepr` header, to logs and monitors, so
 * values under secret names and passwords in URLs are masked. Nothing else is escaped but the quotation mark. Never throws.
 */
export function argsRepr(args: readonly unknown[], options?: ReprOptions): string {
  if (args.length === 0) return '()'
  const writer = new ReprWriter(options?.maxLength ?? defaultMaxLength)
  return writer.text(() => writer.sequence(args, '(', args.length === 1 ? ',)' : ')'))
}

/** Keyword arguments as Python shows a dict: `{'format': 'pdf'}`. See {@link argsRepr}. */
export function kwargsRepr(kwargs: Readonly<Record<string, unknown>>, options?: ReprOptions): string {
  const writer = new ReprWriter(options?.maxLength ?? defaultMaxLength)
  return writer.text(() => writer.members(kwargs))
}

const defaultMaxLength = 1024
/** A container on the level after these is shown without its contents. */
const shownLevels = 3

/**
 * Follows Celery's cut, so that both show the same text: what crosses the limit is cut there and gets `...`; the next piece becomes
 * `, ...`; what is still open then is closed.
 */
class ReprWriter {
  #text = ''
  #left: number
  #isCut = false
  #level = 0

  constructor(maxLength: number) {
    this.#left = maxLength
  }

  text(write: () => void): string {
    try {
      write()
    } catch {
      // A getter or proxy that throws: the repr of what came before it is better than a call that fails for the sake of a log line.
      this.#text += '...'
    }
    return this.#text
  }

  sequence(items: readonly unknown[], open: string, close: string): void {
    this.#piece(open)
    if (this.#level >= shownLevels && items.length > 0) this.#piece('...')
    else {
      this.#level++
      for (let index = 0; index < items.length && !this.#isCut; index++) {
        if (index > 0) this.#piece(', ')
        if (!this.#isCut) this.#value(items[index])
      }
      this.#level--
    }
    this.#close(close)
  }

  members(object: object): void {
    const keys = Object.keys(object)
    this.#piece('{')
    if (this.#level >= shownLevels && keys.length > 0) this.#piece('...')
    else {
      this.#level++
      for (let index = 0; index < keys.length && !this.#isCut; index++) this.#member(object, keys[index]!, index > 0)
      this.#level--
    }
    this.#close('}')
  }

  #member(object: object, key: string, follows: boolean): void {
    if (follows) this.#piece(', ')
    if (this.#isCut) return
    this.#quoted(key)
    this.#piece(': ')
    if (this.#isCut) return
    const value = (object as Record<string, unknown>)[key]
    if (isSecretName(key) && value !== null && value !== undefined) this.#quoted('********')
    else this.#value(value)
  }

  #value(value: unknown): void {
    switch (typeof value) {
      case 'string':
        this.#quoted(value)
        break
      case 'number':
        this.#word(numberRepr(value))
        break
      case 'boolean':
        this.#word(value ? 'True' : 'False')
        break
      case 'undefined':
        this.#word('None')
        break
      case 'object':
        if (value === null) this.#word('None')
        else this.#object(value)
        break
      case 'function':
        this.#word(`<function ${value.name}>`)
        break
      default:
        this.#word(String(value))
    }
  }

  #object(object: object): void {
    if (Array.isArray(object)) this.sequence(object, '[', ']')
    else if (types.isDate(object)) this.#word(dateRepr(object))
    else if (types.isUint8Array(object)) this.#bytes(object)
    else if (types.isMap(object)) this.members(Object.fromEntries(object))
    else if (types.isSet(object)) this.sequence([...object], '{', '}')
    else if (object instanceof TypedValue) this.#word(typedRepr(object))
    else this.members(object)
  }

  #bytes(bytes: Uint8Array): void {
    const shown = Buffer.from(bytes.subarray(0, Math.max(0, this.#left)))
    // Bytes that are no ASCII are shown in hexadecimal, as Celery does.
    const isAscii = shown.every((byte) => byte >= 0x20 && byte < 0x7f)
    this.#piece('b')
    this.#quoted(isAscii ? shown.toString('latin1') : shown.toString('hex'))
  }

  #quoted(text: string): void {
    if (this.#isFull()) return
    // Some characters more than fit, so that a password in a URL is seen whole before the cut.
    let shown = text.length > this.#left + 256 ? text.slice(0, this.#left + 256) : text
    if (shown.includes('://')) shown = maskUrl(shown)
    if (shown.includes("'")) shown = shown.replaceAll("'", "\\'")
    const quoted = `'${this.#cut(shown)}'`
    this.#text += quoted
    this.#left -= quoted.length
  }

  #word(word: string): void {
    if (this.#isFull()) return
    const cut = this.#cut(word)
    this.#text += cut
    this.#left -= cut.length
  }

  #cut(text: string): string {
    return text.length >= this.#left ? `${text.slice(0, this.#left)}...` : text
  }

  #piece(text: string): void {
    if (this.#isFull()) return
    this.#text += text
    this.#left -= text.length
  }

  #close(text: string): void {
    if (this.#isCut) this.#text += text
    else this.#piece(text)
  }

  /** True once nothing fits; the piece that finds out is the one that `, ...` stands for. */
  #isFull(): boolean {
    if (this.#left > 0) return false
    if (!this.#isCut) this.#text += ', ...'
    this.#isCut = true
    return true
  }
}

/** A number as Python's `repr` has it: integers as they are, others with an exponent from 1e16 up and below 1e-4. */
function numberRepr(value: number): string {
  if (Number.isInteger(value)) {
    if (Object.is(value, -0)) return '-0.0'
    if (Number.isSafeInteger(value)) return String(value)
  }
  if (Number.isNaN(value)) return 'nan'
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf'
  const size = Math.abs(value)
  if (size < 1e16 && size >= 1e-4) return Number.isInteger(value) ? `${value}.0` : String(value)
  return value.toExponential().replace(/e([+-])(\d)$/, 'e$10$2')
}

function typedRepr({ type, value }: TypedValue): string {
  if (type === 'decimal') return `Decimal('${String(value)}')`
  if (type === 'uuid') return `UUID('${uuidText(value) ?? String(value)}')`
  const numbers = typeof value === 'string' ? value.split(/[-:.T]/).map(Number) : []
  const isKnown = (type === 'date' || type === 'time') && numbers.every(Number.isInteger)
  return isKnown ? `datetime.${type}(${numbers.join(', ')})` : `<${type} ${String(value)}>`
}

function dateRepr(date: Date): string {
  const ms = date.getTime()
  if (Number.isNaN(ms)) return '<invalid date>'
  const text = date instanceof WireDate && date.isUnchanged ? date.text : formatIsoTime(ms)
  const numbers = text.slice(0, 26).match(/\d+/g)?.map(Number) ?? []
  if (numbers.at(-1) === 0 && numbers.length === 7) numbers.pop()
  const zone = text.endsWith('+00:00') || text.endsWith('Z') ? ', tzinfo=datetime.timezone.utc' : ''
  return `datetime.datetime(${numbers.join(', ')}${zone})`
}
