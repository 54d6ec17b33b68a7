import { defaultMaxDecodedBytes } from './decoded-size.ts'
import { decodeMsgpack } from './msgpack-decoder.ts'
import { encodeMsgpack } from './msgpack-encoder.ts'

/**
 * MessagePack as Celery's Python writes and reads it, by msgpackr. Around it we keep integers integers, name the path of what can't travel,
 * and look through the bytes of others before it sees them. Importing this file loads msgpackr.
 */
export class MsgpackSerializer {
  readonly name = 'msgpack'
  readonly contentType = 'application/x-msgpack'
  readonly contentEncoding = 'binary'
  readonly #maxDepth: number
  readonly #maxDecodedBytes: number

  constructor(options: { readonly maxDepth: number; readonly maxDecodedBytes?: number | undefined }) {
    this.#maxDepth = options.maxDepth
    this.#maxDecodedBytes = options.maxDecodedBytes ?? defaultMaxDecodedBytes
  }

  /**
   * @param rootNames what paths in errors call the elements of a root list: `['args', 'kwargs']`
   * @throws {Unserializable} naming the path of what can't travel
   */
  encode(value: unknown, rootNames?: readonly string[]): Uint8Array {
    return encodeMsgpack(value, { maxDepth: this.#maxDepth }, rootNames)
  }

  /** @throws {DecodeError, MessageTooLarge} */
  decode(data: string | Uint8Array): unknown {
    return decodeMsgpack(typeof data === 'string' ? Buffer.from(data, 'utf8') : data, {
      maxDepth: this.#maxDepth,
      maxBytes: this.#maxDecodedBytes,
    })
  }
}
