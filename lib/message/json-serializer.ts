import { isUtf8 } from 'node:buffer'
import { DecodeError } from '../base/errors.ts'
import {
  defaultMaxDecodedBytes,
  listBytes,
  objectBytes,
  placeBytes,
  refuseDecodedSize,
  textBytes,
} from './decoded-size.ts'
import { encodeJson } from './json-encoder.ts'
import { parseJson } from './json-parser.ts'
import { reviveTyped, type TypedValues } from './json-typed-values.ts'

/**
 * JSON as Celery's Python writes and reads it. Nothing is changed silently: integers beyond 2^53 are BigInt, NaN and Infinity are tokens,
 * lone surrogates survive; dates, bytes and further Python types are kombu's typed values. The one thing that JavaScript can't keep is
 * the difference between `5` and `5.0`.
 */
export class JsonSerializer {
  readonly name = 'json'
  readonly contentType = 'application/json'
  readonly contentEncoding = 'utf-8'
  readonly #options: { readonly typedValues: TypedValues; readonly maxDepth: number }
  readonly #maxDecodedBytes: number

  constructor(options: {
    readonly typedValues: TypedValues
    readonly maxDepth: number
    readonly maxDecodedBytes?: number | undefined
  }) {
    this.#options = options
    this.#maxDecodedBytes = options.maxDecodedBytes ?? defaultMaxDecodedBytes
  }

  /**
   * @param rootNames what paths in errors call the elements of a root list: `['args', 'kwargs']`
   * @throws {Unserializable} naming the path of what can't travel
   */
  encode(value: unknown, rootNames?: readonly string[]): string {
    return encodeJson(value, this.#options, rootNames)
  }

  /** @throws {DecodeError, MessageTooLarge} */
  decode(data: string | Uint8Array): unknown {
    const { maxDepth } = this.#options
    const text = typeof data === 'string' ? data : utf8Text(data)
    if (text.length > unscannedLength) checkSize(text, maxDepth, this.#maxDecodedBytes)
    const value = parseChecked(text, maxDepth)
    // `\u005` begins the escapes of `_`, so that a pair can't hide its keys.
    return text.includes('__type__') || text.includes('\\u005') ? reviveTyped(value) : value
  }
}

/** JSON.parse takes some 40 bytes a level, also for a text that will be refused: beyond this length it is looked through before. */
const unscannedLength = 1024 * 1024

function utf8Text(data: Uint8Array): string {
  if (!isUtf8(data)) throw new DecodeError('The JSON text is not valid UTF-8.')
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('utf8')
}

function parseChecked(text: string, maxDepth: number): unknown {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    // All that Python's dialect has beyond JSON.parse are these tokens.
    if (text.includes('NaN') || text.includes('Infinity')) return parseJson(text, maxDepth)
    throw new DecodeError(`Not JSON: ${reasonOf(cause)}.`)
  }
  const verdict = inspect(value, maxDepth)
  if (verdict === 'too-deep') throw tooDeep(maxDepth)
  return verdict === 'exact' ? value : parseJson(text, maxDepth)
}

/** V8's reason without the piece of the text that it quotes: bodies hold what must not get into logs. */
function reasonOf(cause: unknown): string {
  const message = cause instanceof Error ? cause.message : String(cause)
  return message.split(/, (?:\.\.\.)?"/, 1)[0]!
}

/**
 * Looks through what JSON.parse made: an integer token beyond 2^53 always gives a number beyond it, so `inexact` misses none. Walking
 * the value is several times cheaper than searching the text.
 */
function inspect(value: unknown, depthLeft: number): 'exact' | 'inexact' | 'too-deep' {
  if (typeof value === 'number')
    return value > Number.MAX_SAFE_INTEGER || value < Number.MIN_SAFE_INTEGER ? 'inexact' : 'exact'
  if (typeof value !== 'object' || value === null) return 'exact'
  if (depthLeft === 0) return 'too-deep'
  let verdict: 'exact' | 'inexact' = 'exact'
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) {
      const found = inspect(value[index], depthLeft - 1)
      if (found === 'too-deep') return found
      if (found === 'inexact') verdict = found
    }
    return verdict
  }
  for (const key in value) {
    const found = inspect((value as Record<string, unknown>)[key], depthLeft - 1)
    if (found === 'too-deep') return found
    if (found === 'inexact') verdict = found
  }
  return verdict
}

/**
 * How deep arrays and objects nest, and what they will take, by the text alone; 3 ns a character.
 * @throws {DecodeError, MessageTooLarge}
 */
function checkSize(text: string, maxDepth: number, maxBytes: number): void {
  let depth = 0
  let bytes = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === 0x22) {
      const start = at
      for (at++; at < text.length; at++) {
        const inside = text.charCodeAt(at)
        if (inside === 0x22) break
        if (inside === 0x5c) at++
      }
      bytes += textBytes + at - start
    } else if (code === 0x5b || code === 0x7b) {
      if (++depth > maxDepth) throw tooDeep(maxDepth)
      bytes += code === 0x5b ? listBytes : objectBytes
    } else if (code === 0x5d || code === 0x7d) depth--
    else if (code === 0x2c) bytes += placeBytes
    if (bytes > maxBytes) refuseDecodedSize(maxBytes)
  }
}

function tooDeep(maxDepth: number): DecodeError {
  return new DecodeError(`The JSON text nests deeper than ${maxDepth} levels.`)
}
