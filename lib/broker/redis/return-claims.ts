import { DecodeError } from '../../base/errors.ts'
import type { RedisCommands } from '../../driver/redis/redis-commands.ts'
import { afterLossAt, isSuspect, oneMore } from '../delivery-history.ts'
import { markReturned } from './envelope-marks.ts'
import { decodeKombuEnvelope } from './kombu-envelope.ts'
import type { RedisKeys } from './redis-keys.ts'
import { type Ending, type EndingKind, readSide, settle, settleArgs } from './scripts/settle.ts'
import { aboutText, closingOf, envelopeOf, tailOf } from './unacked-entry.ts'

export interface ReturnClaimsParts {
  readonly keys: RedisKeys
  readonly target: RedisCommands
  /** The server's clock, ms since the epoch. */
  readonly now: number
}

/** How many at once: each is read, changed and written back. */
const atOnce = 100

/**
 * Gives claims of an owner back to the front of their lists, each with one loss more if they are lost; otherwise as if they had never been
 * claimed. Elements that are no messages are set aside instead. Claims that somebody else returns meanwhile are left to them.
 * @returns how many went back
 */
export async function returnClaims(
  { keys, target, now }: ReturnClaimsParts,
  owner: string,
  which: { readonly isKept: (key: string) => boolean; readonly isLoss: boolean },
): Promise<number> {
  const raw = (await target.command('HGETALL', [keys.claims(owner)], { repeat: true, what: 'read claims' })) as string[]
  const sides: { key: string; side: string; sequence: number }[] = []
  for (let i = 0; i < raw.length; i += 2)
    if (!which.isKept(raw[i]!)) sides.push({ key: raw[i]!, side: raw[i + 1]!, sequence: sequenceOf(raw[i]!) })
  // The last first, portion by portion: what goes to the front first ends up behind the others.
  sides.sort((a, b) => a.sequence - b.sequence)
  let count = 0
  while (sides.length > 0) {
    const portion = sides.splice(-atOnce)
    const endings = await endingsOf({ keys, target, now }, portion, which.isLoss)
    const { unacked, unackedIndex, suspects, due, dead, deadLast, letterPrefix } = keys
    const valid = await settle.run(
      target,
      { unacked, unackedIndex, claims: keys.claims(owner), suspects, due, dead, deadLast },
      { count: endings.length, letterPrefix, sidePrefix: '' },
      { restArgs: settleArgs(endings), what: 'return claims' },
    )
    count += valid.filter((one) => one === 1).length
  }
  return count
}

/** A claim's number among those of its owner, which rises as the token does. */
function sequenceOf(key: string): number {
  return Number(key.slice(key.lastIndexOf(':') + 1))
}

async function endingsOf(
  { keys, target, now }: ReturnClaimsParts,
  portion: readonly { readonly key: string; readonly side: string }[],
  isLoss: boolean,
): Promise<Ending[]> {
  const entries = (await target.command('HMGET', [keys.unacked, ...portion.map(({ key }) => key)], {
    buffers: true,
    repeat: true,
    what: 'read claimed messages',
  })) as (Buffer | null)[]
  return portion.map(({ key, side }, index) => {
    const { list, isAlone } = readSide(side)
    const id = sequenceOf(key)
    const queue = keys.queueOf(list) ?? list
    const entry = entries[index]
    const envelope = entry === null || entry === undefined ? undefined : envelopeOf(entry, queue)
    return { key, what: wayBack(keys, { list, queue, envelope }, { isLoss, isAlone, id, now }), deeds: [] }
  })
}

function wayBack(
  keys: RedisKeys,
  { list, queue, envelope }: { list: string; queue: string; envelope: Uint8Array | undefined },
  { isLoss, isAlone, id, now }: { isLoss: boolean; isAlone: boolean; id: number; now: number },
): EndingKind {
  try {
    if (envelope === undefined) throw new DecodeError('The element of the queue is no JSON object.')
    const { losses, returns, firstReturnedAt } = decodeKombuEnvelope(envelope)
    const text = Buffer.from(envelope.buffer, envelope.byteOffset, envelope.byteLength).toString()
    if (!isLoss) return { kind: 'ready', list, text }
    // A suspect that did not run alone is not to blame.
    const counted = isSuspect({ losses }) && !isAlone ? undefined : 'loss'
    const history = oneMore({ losses, returns, firstReturnedAt }, counted, now)
    const due = afterLossAt(history, id, now)
    const marked = markReturned(text, history)
    if (due === undefined) return { kind: 'ready', list, text: marked }
    const entry = `[${marked}${closingOf(queue)}`
    return { kind: 'park', list, dueOf: keys.dueOf(list), dueMs: due, toFront: true, tail: tailOf(queue), entry }
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error
    const about = aboutText({ queue, list, reason: 'undecodable', detail: error.message }, undefined)
    return { kind: 'dead', deadOf: keys.deadOf(queue), about, tail: tailOf(queue) }
  }
}
