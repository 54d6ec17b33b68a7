import { DecodeError } from '../../base/errors.ts'
import type { DeadLetterReason, Delivery } from '../broker.ts'
import type { ClaimHolder, HeldMessage } from './held-message.ts'
import { type DecodedEnvelope, decodeKombuEnvelope } from './kombu-envelope.ts'
import type { RedisKeys } from './redis-keys.ts'
import type { Ending } from './scripts/settle.ts'
import { aboutText, tailOf } from './unacked-entry.ts'

/** A claimed element and where it was. */
export interface ClaimedElement {
  readonly key: string
  readonly token: number
  readonly list: string
  readonly queue: string
}

/** A claimed message that can be delivered. */
export interface ReadMessage {
  readonly held: HeldMessage
  readonly delivery: Delivery
  /** Its due time, which has passed; ms since the epoch. */
  readonly due: number | undefined
}

/** A message, or how a claim ends that is none: an element that is no message is set aside, one whose time has not come is parked. */
export function readElement(
  element: Buffer | number,
  place: ClaimedElement,
  { keys, holder, nowMs }: { readonly keys: RedisKeys; readonly holder: ClaimHolder; readonly nowMs: number },
): ReadMessage | Ending {
  const { key, list, queue } = place
  const tail = tailOf(queue)
  const dead = (reason: DeadLetterReason, detail: string): Ending => {
    const about = aboutText({ queue, list, reason, detail }, undefined)
    return { key, what: { kind: 'dead', deadOf: keys.deadOf(queue), about, tail }, deeds: [] }
  }
  if (typeof element === 'number') return dead('too-large', `The message has ${element} bytes, and was not read.`)
  try {
    const envelope = decodeElement(element)
    const { notBefore: due, deliveryTag, message } = envelope
    if (due !== undefined && due > nowMs) {
      const what = {
        kind: 'park',
        list,
        dueOf: keys.dueOf(list),
        dueMs: due,
        toFront: false,
        tail,
        entry: undefined,
      } as const
      return { key, what, deeds: [['ZREM', keys.ahead(queue), deliveryTag]] }
    }
    const aheadTag = due === undefined ? undefined : deliveryTag
    const held = {
      ...place,
      holder,
      history: historyOf(envelope),
      aheadTag,
      headers: message.headers,
      bytes: element.byteLength,
    }
    return { held, delivery: deliveryOf(envelope, place), due }
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error
    return dead('undecodable', error.message)
  }
}

/** Those that had a due time, which has passed, among each other in its order: they came in the order in which they were published. */
export function sortDue(messages: ReadMessage[]): void {
  const places = messages.flatMap(({ due }, index) => (due === undefined ? [] : [index]))
  if (places.length < 2) return
  const sorted = places.map((index) => messages[index]!).sort((a, b) => a.due! - b.due!)
  places.forEach((place, index) => {
    messages[place] = sorted[index]!
  })
}

function decodeElement(element: Buffer): DecodedEnvelope {
  // As the claim script tells them apart: such an element stands where Python does not meet it.
  if (element[0] !== 0x7b || element.at(-1) !== 0x7d)
    throw new DecodeError('The element of the queue is no JSON object.')
  return decodeKombuEnvelope(element)
}

function historyOf({ redelivered, losses, returns, firstReturnedAt }: DecodedEnvelope): HeldMessage['history'] {
  if (!redelivered && losses === 0 && returns === 0) return undefined
  return { losses, returns, firstReturnedAt }
}

function deliveryOf(envelope: DecodedEnvelope, { key, token, queue }: ClaimedElement): Delivery {
  const { message, route, redelivered, losses, returns, firstReturnedAt } = envelope
  return { claim: { key, token, queue }, message, queue, route, redelivered, losses, returns, firstReturnedAt }
}
