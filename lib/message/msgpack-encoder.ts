import { types } from 'node:util'
import { addExtension, Packr, RESET_BUFFER_MODE } from 'msgpackr'
import { isTyped, ValueGuard } from './value-guard.ts'

/**
 * A value as Celery's MessagePack: strings as `str`, bytes as `bin`, no extension types. msgpackr writes it, from a copy that holds nothing
 * whose form it would choose differently: see {@link PackableCopier}.
 * @param rootNames names for the elements of a root list, for error messages; see {@link ValueGuard}
 * @throws {Unserializable} naming the path of what can't travel: dates and typed values too, which Celery can't put in MessagePack either
 */
export function encodeMsgpack(
  value: unknown,
  options: { maxDepth: number },
  rootNames?: readonly string[],
): Uint8Array {
  const guard = new ValueGuard('MessagePack', options.maxDepth, rootNames)
  return guard.run(() => {
    const packable = new PackableCopier(guard).copy(value === undefined ? null : value)
    // What msgpackr returns is a slice of a buffer that it goes on writing to, and that is as large as the largest message so far.
    return Buffer.from(packr.pack(packable, RESET_BUFFER_MODE))
  })
}

const packr = new Packr({ useRecords: false, variableMapSize: true, useToJSON: false })

const largestUint64 = 0xffff_ffff_ffff_ffffn
const smallestInt64 = -0x8000_0000_0000_0000n

/**
 * Copies values into lists, Maps, bytes and primitives, which msgpackr writes in one way only. An object becomes a Map because of an object
 * it would ask for its constructor, which may be a member.
 */
class PackableCopier {
  readonly #guard: ValueGuard

  constructor(guard: ValueGuard) {
    this.#guard = guard
  }

  copy(value: unknown): unknown {
    switch (typeof value) {
      case 'string':
        return this.#text(value)
      case 'boolean':
        return value
      case 'number':
        return packableNumber(value)
      case 'bigint':
        return this.#integer(value)
      case 'object':
        return value === null ? null : this.#object(value)
      default:
        return this.#guard.refuseValue(value)
    }
  }

  #object(object: object): unknown {
    const data = isTyped(object) ? object : this.#guard.dataOf(object)
    if (typeof data !== 'object' || data === null) return this.copy(data)
    // Viewed anew, because msgpackr knows bytes by their class, and another realm's is another one.
    if (types.isUint8Array(data)) return Buffer.from(data.buffer, data.byteOffset, data.byteLength)
    if (isTyped(data)) return this.#refuseTyped(data)
    this.#guard.enter(data)
    const copied = Array.isArray(data) ? this.#list(data) : this.#members(data as Record<string, unknown>)
    this.#guard.leave()
    return copied
  }

  #list(array: readonly unknown[]): unknown[] {
    const list: unknown[] = []
    for (let index = 0; index < array.length; index++) {
      this.#guard.at(index)
      list.push(this.copy(array[index]))
    }
    return list
  }

  #members(object: Record<string, unknown>): Map<string, unknown> {
    const members = new Map<string, unknown>()
    for (const key of Object.keys(object)) {
      this.#guard.at(key)
      const member = object[key]
      if (member !== undefined) members.set(this.#text(key), this.copy(member))
    }
    return members
  }

  #text(text: string): string {
    // In lib.es2024; every supported Node has it.
    if (!(text as unknown as { isWellFormed(): boolean }).isWellFormed())
      this.#guard.refuse(
        'holds a lone surrogate, which has no MessagePack form. Use the json serializer, or text.toWellFormed()',
      )
    return text
  }

  #integer(value: bigint): bigint | EightByteNumber {
    if (value > largestUint64 || value < smallestInt64)
      this.#guard.refuse(
        'is an integer of more than 64 bits, which has no MessagePack form. Use the json serializer, or send its text',
      )
    return value > 0n ? new EightByteNumber(0xcf, value) : value
  }

  #refuseTyped(value: object): never {
    const kind = types.isDate(value) ? 'a date' : 'a typed value'
    this.#guard.refuse(`is ${kind}, which has no MessagePack form in Celery. Send its text, or use the json serializer`)
  }
}

/** Safe integers that msgpackr would write as floats become BigInts, so that they stay integers to Python. */
function packableNumber(value: number): number | bigint | EightByteNumber {
  if (Object.is(value, -0)) return new EightByteNumber(0xcb, 0x8000_0000_0000_0000n)
  if (!Number.isSafeInteger(value) || (value >= -0x8000_0000 && value <= 0xffff_ffff)) return value
  return value > 0 ? new EightByteNumber(0xcf, BigInt(value)) : BigInt(value)
}

/** A number that msgpackr has no way to write: -0, which it takes for 0, and a positive uint64 below 2^63, as Python writes them. */
class EightByteNumber {
  readonly code: number
  readonly bits: bigint

  constructor(code: number, bits: bigint) {
    this.code = code
    this.bits = bits
  }
}

/** Makes room where msgpackr is writing. Its own extensions use it; its types don't have it. */
type Allocate = (size: number) => { targetView: DataView; position: number }

addExtension({
  Class: EightByteNumber,
  // One is asked for, and decoders would look for it: none of 256 is in anyone's way.
  type: 256,
  pack(number: EightByteNumber, allocate?: Allocate): never {
    const { targetView, position } = allocate!(9)
    targetView.setUint8(position, number.code)
    targetView.setBigUint64(position + 1, number.bits)
    // Bytes returned would be wrapped in an extension.
    return undefined as never
  },
})
