import { isUint8Array } from 'node:util/types'

/** What a backend must know of a document, as far as the document tells it. */
export interface DocumentDescription {
  readonly state: string
  readonly contentType: string
}

const json = 'application/json'
const msgpack = 'application/x-msgpack'
/** The status comes first in what Celery and this library write, and no state is longer. */
const headLength = 512

/**
 * State and content type, read from the first bytes of a result document as Celery and this library write it, where `status` comes first.
 * Undefined for any other document.
 */
export function describeDocument(document: string | Uint8Array): DocumentDescription | undefined {
  const head = isUint8Array(document)
    ? Buffer.from(document.buffer, document.byteOffset, Math.min(document.byteLength, headLength)).toString('latin1')
    : document.slice(0, headLength)
  return describeJson(head) ?? describeMsgpack(head)
}

function describeJson(head: string): DocumentDescription | undefined {
  // Plain letters alone: what is escaped, or beyond ASCII, is told beside the document.
  const state = /^\{\s*"status"\s*:\s*"([ !#-[\]-~]*)"/.exec(head)?.[1]
  return state === undefined ? undefined : { state, contentType: json }
}

function describeMsgpack(head: string): DocumentDescription | undefined {
  const match = /^(?:[\x80-\x8f]|\xde[\s\S][\s\S])\xa6status(?:([\xa0-\xbf])|\xd9([\s\S]))/.exec(head)
  if (match === null) return undefined
  const length = match[1] === undefined ? match[2]!.charCodeAt(0) : match[1].charCodeAt(0) & 0x1f
  const state = head.slice(match[0].length, match[0].length + length)
  return state.length === length && /^[ -~]*$/.test(state) ? { state, contentType: msgpack } : undefined
}
