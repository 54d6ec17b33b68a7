import { openDatabase, textOf } from '../../../lib/driver/sqlite/sqlite-database.ts'

/** Where each message of a store is, by its task id, and what else is in the file. */
export interface Survey {
  /** Task ids of what waits, is parked or claimed, with the queue's name. */
  readonly messages: readonly { readonly id: string; readonly queue: string; readonly claimed: boolean }[]
  readonly records: readonly string[]
  /** Rows that point to no message, messages that no row points to, and what SQLite itself finds wrong. */
  readonly faults: readonly string[]
}

/** Reads a store file as it is, with nobody else at it. */
export function surveyStore(path: string): Survey {
  const database = openDatabase(path, { busyTimeoutMs: 5_000 })
  try {
    const rows = database
      .statement(
        `select m.id, cast(json_extract(m.envelope, '$.headers.id') as blob) as id_text, cast(q.name as blob) as name, p.claimed
          from (select message, queue, 0 as claimed from ready union all select message, queue, 0 from parked
            union all select message, queue, 1 from claims) p
          left join messages m on m.id = p.message join queues q on q.id = p.queue order by m.id`,
      )
      .all([])
    const faults: string[] = []
    const places = new Map<number, number>()
    for (const [message] of rows) {
      if (message === null) faults.push('a row points to no message')
      else places.set(Number(message), (places.get(Number(message)) ?? 0) + 1)
    }
    for (const [message, count] of places) if (count > 1) faults.push(`message ${message} is in ${count} places`)
    for (const [message] of database.statement('select id from messages').all([]))
      if (!places.has(Number(message))) faults.push(`message ${message} is nowhere`)
    for (const [found] of database.statement('pragma integrity_check').all([]))
      if (found !== 'ok') faults.push(String(found))
    return {
      messages: rows.map(([, id, queue, claimed]) => ({
        id: textOf(id),
        queue: textOf(queue),
        claimed: claimed === 1,
      })),
      records: database
        .statement('select cast(id as blob) from results')
        .all([])
        .map(([id]) => textOf(id)),
      faults,
    }
  } finally {
    database.close()
  }
}
