import { isUtf8 } from 'node:buffer'
import { DecodeError } from '../base/errors.ts'

/**
 * Reads MessagePack as Celery writes it. Integers beyond 2^53 become BigInt, `bin` becomes `Uint8Array`; integer keys become strings, as
 * JSON would have them. Extension types, which no serializer of Celery's writes, are refused.
 * @throws {DecodeError}
 */
export function decodeMsgpack(data: Uint8Array, maxDepth: number): unknown {
  return new MsgpackReader(data, maxDepth).read()
}

class MsgpackReader {
  readonly #bytes: Buffer
  readonly #maxDepth: number
  #at = 0
  #depth = 0

  constructor(data: Uint8Array, maxDepth: number) {
    this.#bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength)
    this.#maxDepth = maxDepth
  }

  read(): unknown {
    const value = this.#value()
    if (this.#at < this.#bytes.length)
      throw new DecodeError(`Not MessagePack: ${this.#bytes.length - this.#at} bytes follow the value.`)
    return value
  }

  #value(): unknown {
    const code = this.#bytes[this.#take(1)]!
    if (code <= 0x7f) return code
    if (code <= 0x8f) return this.#map(code & 0x0f)
    if (code <= 0x9f) return this.#array(code & 0x0f)
    if (code <= 0xbf) return this.#string(code & 0x1f)
    if (code >= 0xe0) return code - 0x100
    return this.#wide(code)
  }

  #wide(code: number): unknown {
    switch (code) {
      case 0xc0:
        return null
      case 0xc2:
        return false
      case 0xc3:
        return true
      case 0xc4:
      case 0xc5:
      case 0xc6:
        return new Uint8Array(this.#slice(this.#size(code - 0xc4)))
      case 0xca:
        return this.#bytes.readFloatBE(this.#take(4))
      case 0xcb:
        return this.#bytes.readDoubleBE(this.#take(8))
      case 0xcc:
      case 0xcd:
      case 0xce:
        return this.#size(code - 0xcc)
      case 0xcf:
        return exact(this.#bytes.readBigUInt64BE(this.#take(8)))
      case 0xd0:
        return this.#bytes.readInt8(this.#take(1))
      case 0xd1:
        return this.#bytes.readInt16BE(this.#take(2))
      case 0xd2:
        return this.#bytes.readInt32BE(this.#take(4))
      case 0xd3:
        return exact(this.#bytes.readBigInt64BE(this.#take(8)))
      case 0xd9:
      case 0xda:
      case 0xdb:
        return this.#string(this.#size(code - 0xd9))
      case 0xdc:
      case 0xdd:
        return this.#array(this.#size(code - 0xdb))
      case 0xde:
      case 0xdf:
        return this.#map(this.#size(code - 0xdd))
      default:
        throw new DecodeError(
          `MessagePack type 0x${code.toString(16)} is an extension or reserved; Celery's serializer writes none.`,
        )
    }
  }

  /** An unsigned integer of 1, 2 or 4 bytes. */
  #size(width: number): number {
    if (width === 0) return this.#bytes[this.#take(1)]!
    return width === 1 ? this.#bytes.readUInt16BE(this.#take(2)) : this.#bytes.readUInt32BE(this.#take(4))
  }

  #string(size: number): string {
    const bytes = this.#slice(size)
    if (!isUtf8(bytes)) throw new DecodeError('A MessagePack string is not valid UTF-8.')
    return bytes.toString('utf8')
  }

  #array(size: number): unknown[] {
    this.#enter(size)
    const array: unknown[] = []
    for (let index = 0; index < size; index++) array.push(this.#value())
    this.#depth--
    return array
  }

  #map(size: number): object {
    this.#enter(size * 2)
    const object: Record<string, unknown> = {}
    for (let index = 0; index < size; index++) {
      const key = this.#value()
      if (typeof key !== 'string' && typeof key !== 'bigint' && !Number.isInteger(key))
        throw new DecodeError('A MessagePack map has a key that is neither a string nor an integer.')
      const value = this.#value()
      // Assigning __proto__ would change the prototype; it is a member like any other.
      if (key !== '__proto__') object[String(key)] = value
      else Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true })
    }
    this.#depth--
    return object
  }

  #enter(elements: number): void {
    if (++this.#depth > this.#maxDepth)
      throw new DecodeError(`The MessagePack data nests deeper than ${this.#maxDepth} levels.`)
    // Every element takes a byte at least: a size that the data can't hold is refused before anything is made.
    if (elements > this.#bytes.length - this.#at)
      throw new DecodeError('Not MessagePack: the data ends within a list or map.')
  }

  #slice(size: number): Buffer {
    const start = this.#take(size)
    return this.#bytes.subarray(start, this.#at)
  }

  /** Moves past `size` bytes; where they begin. */
  #take(size: number): number {
    const start = this.#at
    if (size > this.#bytes.length - start) throw new DecodeError('Not MessagePack: the data ends within a value.')
    this.#at += size
    return start
  }
}

function exact(value: bigint): number | bigint {
  return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value
}
