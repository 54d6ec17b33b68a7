import { crashPoint } from '../../base/crash-point.ts'
import { textOf } from '../../driver/sqlite/sqlite-database.ts'
import type { Transaction } from '../../driver/sqlite/write-queue.ts'
import { storeRecords } from '../../result/sqlite/result-rows.ts'
import type { Settlement, SettleReply } from '../broker.ts'
import { oneMore } from '../delivery-history.ts'
import { dueTime } from '../envelope.ts'
import { setAside } from './dead-letter-rows.ts'
import { historyText, readHistory } from './history-text.ts'
import { type EncodedMessage, insertMessages, type MessageRow, makeReady, park } from './message-rows.ts'
import type { QueueTable } from './queue-table.ts'

/** A settlement whose follow-ups are encoded. */
export interface EncodedSettlement {
  readonly settlement: Settlement
  readonly follow: readonly EncodedMessage[]
}

/** Settles what is still claimed, with records and follow-ups; the rest is `lost` and nothing of it happens. @throws {Unroutable} */
export function settleClaims(
  transaction: Transaction,
  queues: QueueTable,
  batch: readonly EncodedSettlement[],
): SettleReply[] {
  const valid = validTokens(transaction, batch)
  const replies: SettleReply[] = []
  const settled: EncodedSettlement[] = []
  for (const item of batch) {
    // Taken out, so that a second settlement of one claim in one batch is lost.
    const isValid = valid.delete(item.settlement.claim.token)
    replies.push(isValid ? 'settled' : 'lost')
    if (isValid) settled.push(item)
  }
  const done = settled.filter(({ settlement }) => settlement.disposition === 'done')
  removeDone(transaction, done.map(tokenOf))
  for (const { settlement } of settled) if (settlement.disposition !== 'done') moveClaim(transaction, settlement)
  crashPoint('settle.beforeRecords')
  storeRecords(
    transaction,
    settled.flatMap(({ settlement }) => settlement.record ?? []),
  )
  crashPoint('settle.beforeFollowUps')
  insertMessages(
    transaction,
    queues,
    settled.flatMap(({ follow }) => follow),
  )
  return replies
}

function tokenOf({ settlement }: EncodedSettlement): number {
  return settlement.claim.token
}

function validTokens({ database }: Transaction, batch: readonly EncodedSettlement[]): Set<number> {
  const tokens = new Set(batch.map(tokenOf).filter(Number.isSafeInteger))
  const list = JSON.stringify([...tokens])
  const found = Number(database.statement(countClaims).all([list])[0]?.[0])
  // Nearly always all of them, and counting is cheaper than telling which.
  if (found === tokens.size) return tokens
  return new Set(JSON.parse(textOf(database.statement(listClaims).all([list])[0]?.[0])) as number[])
}

const countClaims = 'select count(*) from claims where token in (select value from json_each(?))'
const listClaims =
  'select cast(json_group_array(token) as blob) from claims where token in (select value from json_each(?))'

function removeDone({ database }: Transaction, tokens: readonly number[]): void {
  if (tokens.length === 0) return
  const list = JSON.stringify(tokens)
  database.statement(deleteMessages).run([list])
  database.statement(deleteClaims).run([list])
}

const deleteMessages = `delete from messages
  where id in (select message from claims where token in (select value from json_each(?)))`
const deleteClaims = 'delete from claims where token in (select value from json_each(?))'

function moveClaim(transaction: Transaction, settlement: Settlement): void {
  const { database, now } = transaction
  const { claim, disposition, notBefore } = settlement
  const [message, queue, priority, position, past] = database.statement(selectClaim).all([claim.token])[0]!
  database.statement('delete from claims where token = ?').run([claim.token])
  crashPoint(`settle.${disposition}`)
  const row = { message: Number(message), queue: Number(queue), priority: Number(priority) }
  if (disposition === 'dead-letter') {
    setAside(transaction, row, settlement)
    return
  }
  const due = dueTime(notBefore, now)
  const moved: MessageRow =
    disposition === 'park'
      ? { ...row, position: undefined, past: null }
      : { ...row, position: Number(position), past: pastOf(past === null ? undefined : textOf(past), settlement, now) }
  if (due === undefined) makeReady(transaction, moved)
  else park(transaction, due, moved)
}

const selectClaim = 'select message, queue, priority, position, cast(past as blob) as past from claims where token = ?'

function pastOf(text: string | undefined, { counted }: Settlement, now: number): string {
  return historyText(oneMore(text === undefined ? undefined : readHistory(text), counted, now))
}
