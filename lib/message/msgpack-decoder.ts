import { types } from 'node:util'
import { C1, Unpackr } from 'msgpackr'
import { DecodeError } from '../base/errors.ts'
import { type MsgpackLimits, scanMsgpack } from './msgpack-scan.ts'

/**
 * Reads MessagePack as Celery writes it. Integers beyond 2^53 become BigInt, `bin` becomes `Uint8Array`; integer keys become strings, as
 * JSON would have them. Extension types, which no serializer of Celery's writes, are refused.
 * @throws {DecodeError, MessageTooLarge}
 */
export function decodeMsgpack(data: Uint8Array, limits: MsgpackLimits): unknown {
  const copy = Buffer.from(new Uint8Array(data).buffer) // The scan writes to it.
  const markedTexts = scanMsgpack(copy, limits)
  try {
    return restore(unpackr.unpack(copy), markedTexts)
  } catch (error) {
    if (error instanceof DecodeError) throw error
    throw new DecodeError('The MessagePack data could not be read: it is too large or too deep for this process.', {
      cause: error,
    })
  }
}

// Maps, because in objects msgpackr renames __proto__ to __proto_. BigInts, because its 'auto' makes a number of 2^53, which is not exact.
const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: false, int64AsType: 'bigint' })

/** What scanned bytes stand for, from what msgpackr made of them. Lists are changed in place. */
function restore(value: unknown, markedTexts: ReadonlySet<number>): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value
  if (typeof value !== 'object' || value === null) return value
  if (value === C1) return {}
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) value[index] = restore(value[index], markedTexts)
    return value
  }
  if (!types.isUint8Array(value)) return restoreMap(value as Map<unknown, unknown>, markedTexts)
  return markedTexts.has(value.byteOffset) ? Buffer.from(value).toString('utf8') : new Uint8Array(value)
}

function restoreMap(map: Map<unknown, unknown>, markedTexts: ReadonlySet<number>): object {
  const members: [key: string, value: unknown][] = []
  for (const [wireKey, value] of map) {
    const key = restore(wireKey, markedTexts)
    if (typeof key !== 'string' && typeof key !== 'bigint' && !Number.isInteger(key))
      throw new DecodeError('A MessagePack map has a key that is neither a string nor an integer.')
    members.push([String(key), restore(value, markedTexts)])
  }
  // Makes own data of __proto__ too, where assigning it would change the prototype.
  return Object.fromEntries(members)
}
