import { MessageTooLarge } from '../base/errors.ts'

/*
 * What a body costs once it is decoded, before it is: one byte of MessagePack, or three of JSON, are an object of some sixty. Estimates,
 * measured on V8, rather high than low.
 */

/** Where a serializer is told nothing else. */
export const defaultMaxDecodedBytes = 256 * 1024 * 1024

/** An empty object, with the four members that V8 keeps room for. */
export const objectBytes = 64
/** An empty list. */
export const listBytes = 40
/** A value's place in a list or object, and a number that needs one of its own. */
export const placeBytes = 16
/** A string beside its characters. */
export const textBytes = 24

/** @throws {MessageTooLarge} */
export function refuseDecodedSize(maxBytes: number): never {
  throw new MessageTooLarge(
    `The body would take more than ${Math.round(maxBytes / 1024 / 1024)} MiB of memory once decoded (maxDecodedSize).`,
  )
}
