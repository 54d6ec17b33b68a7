import type { SqliteDatabase, SqliteRow, SqliteValue } from '../../driver/sqlite/sqlite-database.ts'
import { textOf } from '../../driver/sqlite/sqlite-database.ts'
import type { Transaction } from '../../driver/sqlite/write-queue.ts'
import type { Fetched } from '../result-backend.ts'
import { isFinal, type StoredRecord } from '../result-record.ts'

/** How long the store remembers that there was a record, after it expired. */
const rememberMs = 7 * 86_400_000

/** Ids looked up by one statement. */
const wide = 16
// Each value that is bound costs about as much as a byte of disk: records of a batch differ in few columns, and rows that share the
// others go in one wide statement. Compiled for these sizes only.
const widths = [50, 10, 1] as const
type Width = (typeof widths)[number]

/** Stores records in a transaction, also one that does other things. A final record stays, until it has expired. */
export function storeRecords(transaction: Transaction, records: readonly StoredRecord[]): void {
  if (records.length === 0) return
  const first = transaction.reserve('result', records.length)
  for (let from = 0; from < records.length; ) {
    const { state, contentType } = records[from]!
    const alike = alikeFrom(records, from)
    const width = widths.find((size) => size <= alike)!
    const values: SqliteValue[] = [first + from, state, isFinal(state) ? 1 : 0, contentType]
    for (let i = from; i < from + width; i++) {
      const { id, expiresAt, document } = records[i]!
      values.push(id, expiresAt ?? null, document)
    }
    values.push(transaction.now)
    transaction.database.statement(storing[width]).run(values)
    from += width
  }
  transaction.changed('results')
}

/** How many records from there on are of one state and one content type. */
function alikeFrom(records: readonly StoredRecord[], from: number): number {
  const { state, contentType } = records[from]!
  let to = from + 1
  while (to < records.length && records[to]!.state === state && records[to]!.contentType === contentType) to++
  return to - from
}

const storing: Readonly<Record<Width, string>> = { 50: storingRows(50), 10: storingRows(10), 1: storingRows(1) }

function storingRows(rows: number): string {
  return `insert into results (seq, id, state, final, content_type, expires_at, document)
    select ? + column1, column2, ?, ?, ?, column3, column4
    from (values ${Array.from({ length: rows }, (_, row) => `(${row}, ?, ?, ?)`).join(', ')}) where true
    on conflict (id) do update set seq = excluded.seq, state = excluded.state, final = excluded.final,
      content_type = excluded.content_type, expires_at = excluded.expires_at, document = excluded.document, forget_at = null
    where final = 0 or forget_at is not null or expires_at <= ?`
}

/** A row of `results` with its place in the order of changes. */
export interface FoundResult {
  readonly id: string
  readonly seq: number
  readonly found: Fetched
}

const columns = `seq, cast(id as blob) as id, cast(state as blob) as state, cast(content_type as blob) as content_type,
  expires_at, forget_at, typeof(document) = 'text' as is_text, cast(document as blob) as document`
const selectSome = `select ${columns} from results where id in (${Array.from({ length: wide }, () => '?').join(', ')})`
const selectAfter = `select ${columns} from results where seq > ? order by seq limit ?`

/** What is stored under the ids; those without anything are left out. */
export function findResults(database: SqliteDatabase, ids: readonly string[], now: number): FoundResult[] {
  const found: FoundResult[] = []
  for (let from = 0; from < ids.length; from += wide) {
    const some: SqliteValue[] = ids.slice(from, from + wide)
    while (some.length < wide) some.push(null)
    for (const row of database.statement(selectSome).all(some)) found.push(resultOf(row, now))
  }
  return found
}

/** What changed after `seq`, in order. */
export function resultsAfter(
  database: SqliteDatabase,
  seq: number,
  options: { limit: number; now: number },
): FoundResult[] {
  const rows = database.statement(selectAfter).all([seq, options.limit])
  return rows.map((row) => resultOf(row, options.now))
}

/** The place of the last change; 0 before the first. */
export function lastSeq(database: SqliteDatabase): number {
  return Number(database.statement('select max(seq) from results').all([])[0]?.[0] ?? 0)
}

/** Removes records and their traces. */
export function forgetResults(transaction: Transaction, ids: readonly string[]): void {
  for (const id of ids) transaction.database.statement('delete from results where id = ?').run([id])
}

/** Drops the documents of what has expired, and later its traces. A {@link Sweep}. */
export function sweepResults({ database, now }: Transaction, limit: number): number {
  const expired = database
    .statement(
      `update results set document = null, forget_at = ?, expires_at = null
        where seq in (select seq from results where expires_at <= ? order by expires_at limit ?)`,
    )
    .run([now + rememberMs, now, limit])
  const forgotten = database
    .statement(
      'delete from results where seq in (select seq from results where forget_at <= ? order by forget_at limit ?)',
    )
    .run([now, limit])
  return Math.max(expired.changes, forgotten.changes)
}

function resultOf(row: SqliteRow, now: number): FoundResult {
  const [seq, id, state, contentType, expiresAt, forgetAt, isText, document] = row
  const expires = typeof expiresAt === 'number' ? expiresAt : undefined
  const isGone = typeof forgetAt === 'number' || (expires !== undefined && expires <= now)
  const known = { id: textOf(id), seq: Number(seq) }
  if (isGone) return { ...known, found: { kind: 'expired', state: textOf(state) } }
  const record: StoredRecord = {
    id: known.id,
    state: textOf(state),
    document: isText === 1 ? textOf(document) : bytesOf(document),
    contentType: textOf(contentType),
    ...(expires !== undefined && { expiresAt: expires }),
  }
  return { ...known, found: { kind: 'record', record } }
}

function bytesOf(value: SqliteValue | undefined): Uint8Array {
  return value instanceof Uint8Array ? new Uint8Array(value) : new Uint8Array()
}
