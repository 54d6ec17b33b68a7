import { isUtf8 } from 'node:buffer'
import { type SqliteDatabase, type SqliteRow, type SqliteValue, textOf } from '../../driver/sqlite/sqlite-database.ts'
import type { Transaction } from '../../driver/sqlite/write-queue.ts'
import type { WireMessage } from '../../message/wire-message.ts'
import { type DeadLetter, type DeadLetterReason, deadLetterReasons, type Settlement } from '../broker.ts'
import { decodeEnvelope, namesOf } from '../envelope.ts'

/** Moves a message, whose claim is gone already, to the dead letters. */
export function setAside(
  { database, now }: Transaction,
  row: { readonly message: number; readonly queue: number; readonly priority: number },
  { reason = 'rejected', detail = '', claim }: Settlement,
): void {
  const raw = database.statement(selectReadable).all([row.message])[0]?.[0]
  const { taskId, task } = namesOf(messageOf(raw, claim.queue))
  database
    .statement(
      `insert into dead (queue, priority, reason, detail, dead_since, task_id, task, envelope)
        values (?, ?, ?, ?, ?, ?, ?, coalesce((select envelope from messages where id = ?), x''))`,
    )
    .run([row.queue, row.priority, reason, detail, now, taskId ?? null, task ?? null, row.message])
  database.statement('delete from messages where id = ?').run([row.message])
}

// A row of a gigabyte is moved without being read, and so without its names.
const selectReadable = `select cast(envelope as blob) from messages where id = ? and octet_length(envelope) < ${64 * 1024 * 1024}`

/** Dead letters, oldest first. */
export function findDead(
  database: SqliteDatabase,
  filter: { queue?: number | undefined; after: number; limit: number },
  nameOf: (queue: number) => string,
): DeadLetter[] {
  const rows =
    filter.queue === undefined
      ? database.statement(`${selectDead} where id > ? order by id limit ?`).all([filter.after, filter.limit])
      : database
          .statement(`${selectDead} where queue = ? and id > ? order by id limit ?`)
          .all([filter.queue, filter.after, filter.limit])
  return rows.map((row) => deadLetterOf(row, nameOf))
}

const selectDead = `select id, queue, cast(reason as blob) as reason, cast(detail as blob) as detail, dead_since,
  cast(task_id as blob) as task_id, cast(task as blob) as task, cast(envelope as blob) as envelope from dead`

/** Puts a dead letter at the end of its queue, as new; false when there is none of that number. */
export function replayDead(transaction: Transaction, id: number): boolean {
  const { database } = transaction
  const row = database.statement('select queue, priority from dead where id = ?').all([id])[0]
  if (row === undefined) return false
  const message = transaction.reserve('message', 1)
  database.statement('insert into messages (id, envelope) select ?, envelope from dead where id = ?').run([message, id])
  database.statement('insert into ready values (?, ?, ?, ?, null)').run([row[0]!, row[1]!, message, message])
  database.statement('delete from dead where id = ?').run([id])
  transaction.changed('messages')
  return true
}

function deadLetterOf(row: SqliteRow, nameOf: (queue: number) => string): DeadLetter {
  const [id, queue, reason, detail, deadSince, taskId, task, envelope] = row
  const name = nameOf(Number(queue))
  const message = messageOf(envelope, name)
  return {
    id: String(id),
    queue: name,
    reason: reasonOf(textOf(reason)),
    detail: textOf(detail),
    deadSince: Number(deadSince),
    ...(taskId !== null && { taskId: textOf(taskId) }),
    ...(task !== null && { task: textOf(task) }),
    raw: envelope instanceof Uint8Array ? new Uint8Array(envelope) : new Uint8Array(),
    ...(message !== undefined && { message }),
  }
}

function messageOf(raw: SqliteValue | undefined, queue: string): WireMessage | undefined {
  if (!(raw instanceof Uint8Array) || !isUtf8(raw)) return undefined
  try {
    return decodeEnvelope(textOf(raw), queue).message
  } catch {
    return undefined // that is why it was set aside, and its raw bytes are kept
  }
}

function reasonOf(text: string): DeadLetterReason {
  return deadLetterReasons.find((reason) => reason === text) ?? 'undecodable'
}
