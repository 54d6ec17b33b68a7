import { isUtf8 } from 'node:buffer'
import { DecodeError } from '../base/errors.ts'
import { listBytes, objectBytes, placeBytes, refuseDecodedSize, textBytes } from './decoded-size.ts'

/** What MessagePack may be, and become. */
export interface MsgpackLimits {
  readonly maxDepth: number
  /** Estimated memory of the decoded value. */
  readonly maxBytes: number
}

/**
 * Refuses what msgpackr can't be told to refuse: extension types, text that is not UTF-8, too much depth, data that end early or late.
 *
 * Changes two things in the bytes, which the decoder changes back. Empty maps become 0xc1, a code that MessagePack never uses. Long texts
 * with a byte order mark become `bin`.
 * @returns where those texts begin
 * @throws {DecodeError, MessageTooLarge}
 */
export function scanMsgpack(bytes: Buffer, { maxDepth, maxBytes }: MsgpackLimits): ReadonlySet<number> {
  const scan = new MsgpackScan(bytes)
  // How many values each open list or map still lacks. No recursion: hostile depth costs no stack.
  const lacking = [1]
  while (lacking.length > 0) {
    if (lacking[lacking.length - 1]!-- === 0) {
      lacking.pop()
      continue
    }
    const members = scan.next()
    if (scan.decodedBytes > maxBytes) refuseDecodedSize(maxBytes)
    if (members === undefined) continue
    if (lacking.length > maxDepth) throw new DecodeError(`The MessagePack data nests deeper than ${maxDepth} levels.`)
    lacking.push(members)
  }
  if (scan.at < bytes.length)
    throw new DecodeError(`Not MessagePack: ${bytes.length - scan.at} bytes follow the value.`)
  return scan.markedTexts
}

class MsgpackScan {
  readonly markedTexts = new Set<number>()
  readonly #bytes: Buffer
  /** Estimate of what was passed so far becomes. */
  decodedBytes = 0
  at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  /** Moves past a value that is no list or map, or past the head of one; how many values it has inside then, keys counted too. */
  next(): number | undefined {
    const codeAt = this.#take(1)
    const code = this.#bytes[codeAt]!
    this.decodedBytes += placeBytes
    if (code <= 0x7f || code >= 0xe0) return undefined
    // msgpackr would make a Map of 192 bytes from this one byte; nothing else grows as much.
    if (code === 0x80) this.#bytes[codeAt] = 0xc1
    if (code <= 0x8f) return this.#map(code & 0x0f)
    if (code <= 0x9f) return this.#list(code & 0x0f)
    if (code <= 0xbf) return this.#text(code & 0x1f)
    if (code === 0xc0 || code === 0xc2 || code === 0xc3) return undefined
    if (code >= 0xca && code <= 0xd3) return void this.#take(1 << (code & 3))
    return this.#sized(code, codeAt)
  }

  /** What has its size written, in 1, 2 or 4 bytes. */
  #sized(code: number, codeAt: number): number | undefined {
    if (code >= 0xc4 && code <= 0xc6) return this.#binary(this.#size(code - 0xc4))
    if (code >= 0xd9 && code <= 0xdb) return this.#text(this.#size(code - 0xd9), codeAt)
    if (code === 0xdc || code === 0xdd) return this.#list(this.#size(code - 0xdb))
    if (code === 0xde || code === 0xdf) return this.#map(this.#size(code - 0xdd))
    throw new DecodeError(
      `MessagePack type 0x${code.toString(16)} is an extension or reserved; Celery's serializer writes none.`,
    )
  }

  #size(power: number): number {
    const width = 1 << power
    return this.#bytes.readUIntBE(this.#take(width), width)
  }

  #list(length: number): number {
    this.decodedBytes += listBytes
    return length
  }

  #map(size: number): number {
    // A Map first, of which the object is made: three times as much for a moment.
    this.decodedBytes += 3 * objectBytes
    return 2 * size
  }

  #binary(size: number): undefined {
    // An object with a buffer of its own, both of them many times the size of a short one.
    this.decodedBytes += 4 * objectBytes + size
    this.#take(size)
  }

  /** @param codeAt where the code is of a text that can be changed to `bin` */
  #text(size: number, codeAt?: number): undefined {
    const start = this.#take(size)
    this.decodedBytes += textBytes + size
    const text = this.#bytes.subarray(start, this.at)
    if (!isUtf8(text)) throw new DecodeError('A MessagePack string is not valid UTF-8.')
    // Without its native part, msgpackr drops the mark from texts of more than 64 bytes.
    if (codeAt === undefined || text[0] !== 0xef || text[1] !== 0xbb || text[2] !== 0xbf) return
    this.#bytes[codeAt]! -= 0xd9 - 0xc4
    this.markedTexts.add(start)
  }

  /** Moves past `size` bytes; where they begin. */
  #take(size: number): number {
    const start = this.at
    if (size > this.#bytes.length - start) throw new DecodeError('Not MessagePack: the data ends within a value.')
    this.at += size
    return start
  }
}
