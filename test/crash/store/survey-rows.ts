import { decodeEnvelope } from '../../../lib/broker/envelope.ts'
import { openDatabase, type SqliteDatabase, textOf } from '../../../lib/driver/sqlite/sqlite-database.ts'

/** Every row of a store file, looked at one by one. */
export interface RowSurvey {
  /** Rows of each table. */
  readonly rows: Readonly<Record<string, number>>
  /** Task ids of messages that are in a queue, parked or claimed. */
  readonly messages: readonly string[]
  readonly records: readonly string[]
  readonly dead: readonly string[]
  /** What is wrong, a sentence each. */
  readonly faults: readonly string[]
}

type Row = readonly (string | number | Uint8Array | null)[]

/** Reads every row of every table, as they stand at one moment. Works for files of which little is known to be right. */
export function surveyRows(path: string): RowSurvey {
  const database = openDatabase(path, { busyTimeoutMs: 5_000 })
  try {
    // One look, whatever others write meanwhile.
    database.exec('begin')
    return survey(database)
  } finally {
    database.close()
  }
}

function survey(database: SqliteDatabase): RowSurvey {
  const all = (sql: string): Row[] => database.statement(sql).all([]) as Row[]
  const faults = all('pragma integrity_check').flatMap(([found]) => (found === 'ok' ? [] : [String(found)]))
  const rows: Record<string, number> = {}
  for (const [name] of all("select cast(name as blob) from sqlite_schema where type = 'table'")) {
    const table = textOf(name)
    if (!table.startsWith('sqlite_')) rows[table] = Number(all(`select count(*) from "${table}"`)[0]![0])
  }
  for (const [what, sql] of orphans) {
    const count = Number(all(sql)[0]![0])
    if (count > 0) faults.push(`${count} ${what}`)
  }
  const idOf = (envelope: unknown, where: string): string[] => {
    try {
      const { headers } = decodeEnvelope(textOf(envelope as Uint8Array), 'q').message
      return [String(headers['id'])]
    } catch (error) {
      faults.push(`${where} can't be read: ${(error as Error).message}`)
      return []
    }
  }
  const messages = all('select id, cast(envelope as blob) from messages').flatMap(([id, envelope]) =>
    idOf(envelope, `message ${id}`),
  )
  const dead = all('select id, cast(envelope as blob), cast(reason as blob) from dead').flatMap(
    ([id, envelope, reason]) => {
      if (textOf(reason as Uint8Array) === '') faults.push(`dead letter ${id} has no reason`)
      return idOf(envelope, `dead letter ${id}`)
    },
  )
  const records = all('select cast(id as blob), cast(document as blob), forget_at from results').map(
    ([id, document, forgetAt]) => {
      if (document !== null) faults.push(...unreadable(document, `the record of ${textOf(id as Uint8Array)}`))
      else if (forgetAt === null)
        faults.push(`the record of ${textOf(id as Uint8Array)} is empty and was not forgotten`)
      return textOf(id as Uint8Array)
    },
  )
  for (const table of ['ready', 'parked', 'claims'])
    for (const [past] of all(`select cast(past as blob) from ${table} where past is not null`))
      faults.push(...unreadable(past!, `the history of a row of ${table}`))
  for (const [envelope] of all('select cast(envelope as blob) from broadcasts'))
    faults.push(...unreadable(envelope!, 'a broadcast'))
  return { rows, messages, records, dead, faults }
}

const places = 'select message from ready union all select message from parked union all select message from claims'
const queueUses =
  'select queue from ready union all select queue from parked union all select queue from claims union all select queue from dead'

/** What there must be none of, and the statement that counts it. */
const orphans: readonly (readonly [what: string, sql: string])[] = [
  ['messages are in no place', `select count(*) from messages where id not in (${places})`],
  ['rows point to no message', `select count(*) from (${places}) where message not in (select id from messages)`],
  [
    'messages are in two places',
    `select count(*) from (select message from (${places}) group by message having count(*) > 1)`,
  ],
  ['claims have no owner', 'select count(*) from claims where owner not in (select id from owners)'],
  ['rows are in no queue', `select count(*) from (${queueUses}) where queue not in (select id from queues)`],
  [
    'message numbers are beyond their sequence',
    "select count(*) from messages where id >= (select next from sequences where name = 'message')",
  ],
  [
    'places are beyond their sequence',
    "select count(*) from ready where position >= (select next from sequences where name = 'message')",
  ],
  [
    'record numbers are beyond their sequence',
    "select count(*) from results where seq >= (select next from sequences where name = 'result')",
  ],
  [
    'owners are unreadable',
    "select count(*) from owners where pid <= 0 or lease_ms <= 0 or name = '' or boot_id is null or typeof(lease_until) <> 'real'",
  ],
]

function unreadable(bytes: unknown, what: string): string[] {
  try {
    JSON.parse(textOf(bytes as Uint8Array))
    return []
  } catch {
    return [`${what} is no JSON`]
  }
}
