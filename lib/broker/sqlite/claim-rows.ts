import { isUtf8 } from 'node:buffer'
import { DecodeError } from '../../base/errors.ts'
import { type SqliteDatabase, type SqliteRow, type SqliteValue, textOf } from '../../driver/sqlite/sqlite-database.ts'
import type { Transaction } from '../../driver/sqlite/write-queue.ts'
import type { Claim, Delivery } from '../broker.ts'
import { decodeEnvelope } from '../envelope.ts'
import { readHistory } from './history-text.ts'

/** Tokens of one claim round, both ends included. */
export interface TokenRange {
  readonly first: number
  readonly last: number
}

/** Whose claim it is, and how much there is room for. */
export interface ClaimWish {
  readonly owner: number
  readonly queues: readonly number[]
  readonly count: number
  readonly bytes: number
  /** It holds nothing: then one message may be larger than `bytes`. */
  readonly isEmpty: boolean
}

/**
 * Claims at most `count` messages, of at most `bytes` together. The queues are served in the order given, an equal share each, and what one leaves goes to those
 * that have more; within a queue by priority, then by position.
 */
export function claimReady(
  transaction: Transaction,
  { owner, queues, count, bytes, isEmpty }: ClaimWish,
): TokenRange | undefined {
  let left = count
  let bytesLeft = bytes
  let range: TokenRange | undefined
  let open = queues
  // Each round ends a queue or the count, so there are at most as many as queues.
  while (left > 0 && open.length > 0) {
    const rich: number[] = []
    for (const [index, queue] of open.entries()) {
      const share = Math.ceil(left / (open.length - index))
      const mayExceed = isEmpty && range === undefined
      const tokens = claimFrom(transaction, { owner, queue, count: share, bytes: bytesLeft, mayExceed })
      const got = tokens === undefined ? 0 : tokens.last - tokens.first + 1
      left -= got
      bytesLeft -= tokens?.bytes ?? 0
      if (got === share) rich.push(queue)
      if (tokens !== undefined && got > 0) range = { first: range?.first ?? tokens.first, last: tokens.last }
      // What comes next of a queue is never passed over for something smaller behind it.
      if (left === 0 || tokens?.isCut === true) return range
    }
    open = rich
  }
  return range
}

interface QueueWish {
  readonly owner: number
  readonly queue: number
  readonly count: number
  readonly bytes: number
  /** One message may be larger than `bytes`. */
  readonly mayExceed: boolean
}

/** What was claimed of one queue; none when `last` is before `first`. `isCut` when there was no room for the next. */
interface QueueClaim extends TokenRange {
  readonly bytes: number
  readonly isCut: boolean
}

function claimFrom({ database }: Transaction, wish: QueueWish): QueueClaim | undefined {
  const { owner, queue, count } = wish
  const { changes, lastRowId } = database.statement(insertClaims).run([owner, queue, count])
  if (changes === 0) return undefined
  const claimed = withinBytes(database, { first: lastRowId - changes + 1, last: lastRowId }, wish)
  if (claimed.last < claimed.first) return claimed
  // What was claimed is the front of the queue, so it goes by one range. Its end as values: SQLite searches by both columns then, and
  // by the first alone, through the whole queue, when they come from a subquery.
  const [priority, position] = database.statement(selectPlace).all([claimed.last])[0]!
  database.statement(deleteClaimed).run([queue, priority!, position!])
  return claimed
}

/** Takes back what of a fresh claim there is no room for. The sizes are read from the rows' heads, not from the messages. */
function withinBytes(database: SqliteDatabase, range: TokenRange, { bytes, mayExceed }: QueueWish): QueueClaim {
  const { first, last } = range
  if (bytes === Number.POSITIVE_INFINITY) return { first, last, bytes: 0, isCut: false }
  const total = Number(database.statement(sumSizes).all([first, last])[0]?.[0] ?? 0)
  if (total <= bytes) return { first, last, bytes: total, isCut: false }
  let kept = 0
  let end = first - 1
  for (const [token, size] of database.statement(listSizes).all([first, last])) {
    if (kept + Number(size) > bytes && !(mayExceed && end < first)) break
    kept += Number(size)
    end = Number(token)
  }
  database.statement('delete from claims where token between ? and ?').run([end + 1, last])
  return { first, last: end, bytes: kept, isCut: true }
}

const sumSizes = `select sum(octet_length(m.envelope)) from claims c join messages m on m.id = c.message
  where c.token between ? and ?`
const listSizes = `select c.token, coalesce(octet_length(m.envelope), 0) from claims c left join messages m on m.id = c.message
  where c.token between ? and ? order by c.token`

const insertClaims = `insert into claims (message, owner, queue, priority, position, past)
  select message, ?, queue, priority, position, past from ready where queue = ? order by priority, position limit ?`
const selectPlace = 'select priority, position from claims where token = ?'
const deleteClaimed = 'delete from ready where queue = ? and (priority, position) <= (?, ?)'

/** Which of the queues have something to claim and are not paused, in the order given. */
export function claimableQueues(database: SqliteDatabase, queues: readonly number[]): number[] {
  return queues.filter((queue) => database.statement(hasReady).all([queue, queue]).length > 0)
}

const hasReady = `select 1 from queues where id = ? and paused = 0 and exists (select 1 from ready where queue = ?)`

export interface ClaimedMessages {
  readonly deliveries: readonly Delivery[]
  /** Claims whose messages can't be read, with the reason. */
  readonly unreadable: readonly Unreadable[]
}

/** A claim whose message can't be read, and why. */
export interface Unreadable {
  readonly claim: Claim
  readonly reason: 'undecodable' | 'too-large'
  readonly detail: string
}

/** How {@link readClaimed} reads. */
export interface ReadingClaims {
  /** The name of a queue by its number. */
  readonly nameOf: (queue: number) => string
  /** A message that was claimed alone is not read when it is larger. */
  readonly maxBytes: number
}

/** Reads what was claimed, in order. */
export function readClaimed(
  database: SqliteDatabase,
  range: TokenRange,
  { nameOf, maxBytes }: ReadingClaims,
): ClaimedMessages {
  const tooLarge = readTooLarge(database, range, { nameOf, maxBytes })
  if (tooLarge !== undefined) return { deliveries: [], unreadable: [tooLarge] }
  const rows = readTogether(database, range) ?? readApart(database, range)
  const deliveries: Delivery[] = []
  const unreadable: Unreadable[] = []
  for (const row of rows) {
    const queue = nameOf(row.queue)
    const claim: Claim = { key: row.message, token: row.token, queue }
    try {
      deliveries.push(deliveryOf(row, claim))
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
      unreadable.push({ claim, reason: 'undecodable', detail: error.message })
    }
  }
  return { deliveries, unreadable }
}

/** One message alone may be of any size, up to what no process could hold. */
function readTooLarge(
  database: SqliteDatabase,
  { first, last }: TokenRange,
  { nameOf, maxBytes }: ReadingClaims,
): Unreadable | undefined {
  if (first !== last || maxBytes === Number.POSITIVE_INFINITY) return undefined
  const [message, queue, size] = database.statement(selectSize).all([first])[0] ?? []
  if (!(Number(size) > maxBytes)) return undefined
  const claim: Claim = { key: Number(message), token: first, queue: nameOf(Number(queue)) }
  const detail = `The message is ${Number(size)} bytes in its store, more than any with a body within taskMaxMessageSize; it was not read.`
  return { claim, reason: 'too-large', detail }
}

const selectSize = `select c.message, c.queue, octet_length(m.envelope) from claims c join messages m on m.id = c.message
  where c.token = ?`

interface ClaimedRow {
  readonly token: number
  readonly message: number
  readonly queue: number
  readonly past: string | null
  /** Undefined when it can't be read as text. */
  readonly envelope: string | undefined
}

function deliveryOf({ envelope, past }: ClaimedRow, claim: Claim): Delivery {
  if (envelope === undefined) throw new DecodeError('The stored message is damaged: it is gone or no UTF-8 text.')
  const { message, route } = decodeEnvelope(envelope, claim.queue)
  if (past === null) return { claim, message, queue: claim.queue, route, redelivered: false, losses: 0, returns: 0 }
  return { claim, message, queue: claim.queue, route, redelivered: true, ...readHistory(past) }
}

/**
 * All of them as one value, a third of the cost of a row each. Envelopes are one line each, so they come joined by line ends; when
 * anything about that is not as expected, undefined.
 */
function readTogether(database: SqliteDatabase, { first, last }: TokenRange): ClaimedRow[] | undefined {
  const count = last - first + 1
  let row: SqliteRow | undefined
  try {
    row = database.statement(selectTogether).all([first, last])[0]
  } catch {
    return undefined // together over SQLite's limit for one value, or one of them damaged: read apart, which tells
  }
  const [found, joined, messages, queues, pasts] = row ?? []
  if (found !== count || !(joined instanceof Uint8Array) || !isUtf8(joined)) return undefined
  const envelopes = textOf(joined).split('\n')
  if (envelopes.length !== count) return undefined
  const ids = numbersOf(messages)
  const numbers = numbersOf(queues)
  const histories = pasts === null ? undefined : (JSON.parse(textOf(pasts)) as (string | null)[])
  return envelopes.map((envelope, index) => ({
    token: first + index,
    message: ids[index]!,
    queue: numbers[index]!,
    past: histories?.[index] ?? null,
    envelope,
  }))
}

const selectTogether = `select count(*), cast(group_concat(envelope, char(10)) as blob),
    cast(json_group_array(message) as blob), cast(json_group_array(queue) as blob),
    case when count(past) > 0 then cast(json_group_array(past) as blob) end
  from (select c.message, c.queue, c.past, m.envelope from claims c join messages m on m.id = c.message
    where c.token between ? and ? order by c.token)`

function numbersOf(value: SqliteValue | undefined): number[] {
  return JSON.parse(textOf(value)) as number[]
}

function readApart(database: SqliteDatabase, { first, last }: TokenRange): ClaimedRow[] {
  const rows = database.statement(selectApart).all([first, last])
  return rows.map(([token, message, queue, past]) => ({
    token: Number(token),
    message: Number(message),
    queue: Number(queue),
    past: past === null ? null : textOf(past),
    envelope: readEnvelope(database, Number(message)),
  }))
}

const selectApart = `select token, message, queue, cast(past as blob) as past from claims
  where token between ? and ? order by token`

function readEnvelope(database: SqliteDatabase, message: number): string | undefined {
  const bytes = database.statement('select cast(envelope as blob) from messages where id = ?').all([message])[0]?.[0]
  return bytes instanceof Uint8Array && isUtf8(bytes) ? textOf(bytes) : undefined
}
