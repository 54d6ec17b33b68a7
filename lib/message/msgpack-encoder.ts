import { types } from 'node:util'
import { isTyped, ValueGuard } from './value-guard.ts'

/**
 * A value as Celery's MessagePack: strings as `str`, bytes as `bin`, no extension types.
 * @param rootNames names for the elements of a root list, for error messages; see {@link ValueGuard}
 * @throws {Unserializable} naming the path of what can't travel: dates and typed values too, which Celery can't put in MessagePack either
 */
export function encodeMsgpack(
  value: unknown,
  options: { maxDepth: number },
  rootNames?: readonly string[],
): Uint8Array {
  return new MsgpackWriter(options.maxDepth, rootNames).write(value)
}

const largestUint64 = 0xffff_ffff_ffff_ffffn
const smallestInt64 = -0x8000_0000_0000_0000n

class MsgpackWriter {
  readonly #guard: ValueGuard
  #bytes = Buffer.allocUnsafe(256)
  #length = 0

  constructor(maxDepth: number, rootNames: readonly string[] | undefined) {
    this.#guard = new ValueGuard('MessagePack', maxDepth, rootNames)
  }

  write(value: unknown): Uint8Array {
    this.#guard.run(() => this.#write(value === undefined ? null : value))
    return this.#bytes.subarray(0, this.#length)
  }

  #write(value: unknown): void {
    switch (typeof value) {
      case 'string':
        this.#writeString(value)
        break
      case 'boolean':
        this.#byte(value ? 0xc3 : 0xc2)
        break
      case 'number':
        this.#writeNumber(value)
        break
      case 'bigint':
        this.#writeBigInt(value)
        break
      case 'object':
        if (value === null) this.#byte(0xc0)
        else this.#writeObject(value)
        break
      default:
        this.#guard.refuseValue(value)
    }
  }

  #writeObject(object: object): void {
    const data = isTyped(object) ? object : this.#guard.dataOf(object)
    if (typeof data !== 'object' || data === null) this.#write(data)
    else if (types.isUint8Array(data)) this.#writeBytes(data)
    else if (isTyped(data)) this.#refuseTyped(data)
    else {
      this.#guard.enter(data)
      if (Array.isArray(data)) this.#writeArray(data)
      else this.#writeMap(data as Record<string, unknown>)
      this.#guard.leave()
    }
  }

  #refuseTyped(value: object): never {
    const kind = types.isDate(value) ? 'a date' : 'a typed value'
    this.#guard.refuse(`is ${kind}, which has no MessagePack form in Celery. Send its text, or use the json serializer`)
  }

  #writeArray(array: readonly unknown[]): void {
    this.#writeHeader(array.length, { fixed: 0x90, fixedMax: 15, wide16: 0xdc })
    for (let index = 0; index < array.length; index++) {
      this.#guard.at(index)
      this.#write(array[index])
    }
  }

  #writeMap(object: Record<string, unknown>): void {
    const keys = Object.keys(object)
    const countAt = this.#length
    // The header is written once the members are counted: what a getter says may differ from one read to the next.
    this.#reserve(5)
    this.#length += keys.length <= 15 ? 1 : 5
    let written = 0
    for (const key of keys) {
      this.#guard.at(key)
      const member = object[key]
      if (member === undefined) continue
      this.#writeString(key)
      this.#write(member)
      written++
    }
    if (keys.length <= 15) this.#bytes[countAt] = 0x80 | written
    else {
      this.#bytes[countAt] = 0xdf
      this.#bytes.writeUInt32BE(written, countAt + 1)
    }
  }

  #writeNumber(value: number): void {
    if (!Number.isSafeInteger(value) || Object.is(value, -0)) {
      this.#reserve(9)
      this.#bytes[this.#length] = 0xcb
      this.#bytes.writeDoubleBE(value, this.#length + 1)
      this.#length += 9
    } else if (value >= 0 ? value <= 0x7f : value >= -32) this.#byte(value & 0xff)
    else if (value >= 0) this.#writeUnsigned(value)
    else this.#writeSigned(value)
  }

  #writeUnsigned(value: number): void {
    this.#reserve(9)
    const at = this.#length
    if (value <= 0xff) this.#length = this.#bytes.writeUInt8(value, this.#mark(at, 0xcc))
    else if (value <= 0xffff) this.#length = this.#bytes.writeUInt16BE(value, this.#mark(at, 0xcd))
    else if (value <= 0xffff_ffff) this.#length = this.#bytes.writeUInt32BE(value, this.#mark(at, 0xce))
    else this.#length = this.#bytes.writeBigUInt64BE(BigInt(value), this.#mark(at, 0xcf))
  }

  #writeSigned(value: number): void {
    this.#reserve(9)
    const at = this.#length
    if (value >= -0x80) this.#length = this.#bytes.writeInt8(value, this.#mark(at, 0xd0))
    else if (value >= -0x8000) this.#length = this.#bytes.writeInt16BE(value, this.#mark(at, 0xd1))
    else if (value >= -0x8000_0000) this.#length = this.#bytes.writeInt32BE(value, this.#mark(at, 0xd2))
    else this.#length = this.#bytes.writeBigInt64BE(BigInt(value), this.#mark(at, 0xd3))
  }

  #writeBigInt(value: bigint): void {
    if (value > largestUint64 || value < smallestInt64)
      this.#guard.refuse(
        'is an integer of more than 64 bits, which has no MessagePack form. Use the json serializer, or send its text',
      )
    this.#reserve(9)
    if (value > 0n) this.#length = this.#bytes.writeBigUInt64BE(value, this.#mark(this.#length, 0xcf))
    else this.#length = this.#bytes.writeBigInt64BE(value, this.#mark(this.#length, 0xd3))
  }

  #writeString(text: string): void {
    // In lib.es2024; every supported Node has it.
    if (!(text as unknown as { isWellFormed(): boolean }).isWellFormed())
      this.#guard.refuse(
        'holds a lone surrogate, which has no MessagePack form. Use the json serializer, or text.toWellFormed()',
      )
    const size = Buffer.byteLength(text)
    this.#writeHeader(size, { fixed: 0xa0, fixedMax: 31, wide8: 0xd9, wide16: 0xda })
    this.#reserve(size)
    this.#length += this.#bytes.write(text, this.#length, 'utf8')
  }

  #writeBytes(bytes: Uint8Array): void {
    this.#writeHeader(bytes.byteLength, { fixed: 0, fixedMax: -1, wide8: 0xc4, wide16: 0xc5 })
    this.#reserve(bytes.byteLength)
    this.#bytes.set(bytes, this.#length)
    this.#length += bytes.byteLength
  }

  /** Type and size of a string, bytes or array. The code for 32 bits always follows that for 16. */
  #writeHeader(size: number, codes: { fixed: number; fixedMax: number; wide8?: number; wide16: number }): void {
    this.#reserve(5)
    const at = this.#length
    if (size <= codes.fixedMax) this.#byte(codes.fixed | size)
    else if (codes.wide8 !== undefined && size <= 0xff)
      this.#length = this.#bytes.writeUInt8(size, this.#mark(at, codes.wide8))
    else if (size <= 0xffff) this.#length = this.#bytes.writeUInt16BE(size, this.#mark(at, codes.wide16))
    else this.#length = this.#bytes.writeUInt32BE(size, this.#mark(at, codes.wide16 + 1))
  }

  #byte(byte: number): void {
    this.#reserve(1)
    this.#bytes[this.#length++] = byte
  }

  /** Writes a type's code and says where its payload begins. */
  #mark(at: number, code: number): number {
    this.#bytes[at] = code
    return at + 1
  }

  #reserve(size: number): void {
    if (this.#length + size <= this.#bytes.length) return
    const grown = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#length + size))
    this.#bytes.copy(grown, 0, 0, this.#length)
    this.#bytes = grown
  }
}
