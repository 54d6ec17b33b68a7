// Claims, records and deletes 200 messages in each transaction, until none is left: node sqlite-work.mjs '<path and how>'
import { type SqliteDatabase, textOf } from '../../lib/driver/sqlite/sqlite-database.ts'
import { job } from './channel.ts'
import { countRuns } from './run-counter.ts'
import { documentOf, openBare } from './sqlite-store.ts'

interface Claimed {
  readonly number: number
  readonly id: string
}

const atOnce = 200
const { path, how } = job<{ path: string; how: 'arrays' | 'rows' }>()
const count = countRuns()
const database = openBare(path)
const { claim, settle } = how === 'arrays' ? byArrays(database) : byRows(database)

for (let held: readonly Claimed[] = []; ; ) {
  database.exec('begin immediate')
  if (held.length > 0) settle(held)
  held = claim()
  database.exec('commit')
  if (held.length === 0) break
  count(held.length)
}
// Until it is told to end: the answer to the last request is still to be given.
setInterval(() => {}, 60_000)

interface Work {
  claim(): Claimed[]
  settle(held: readonly Claimed[]): void
}

function byArrays(database: SqliteDatabase): Work {
  return {
    claim() {
      const held = select(database)
      database
        .statement('update messages set owner = 1 where id in (select value from json_each(?))')
        .run([JSON.stringify(held.map(({ number }) => number))])
      return held
    },
    settle(held) {
      const rows = held.map(({ number, id }) => [number, id, documentOf(id, number)])
      database
        .statement(
          `insert into results (seq, id, state, document)
            select value ->> 0, value ->> 1, 'SUCCESS', value ->> 2 from json_each(?) where true
            on conflict (id) do update set seq = excluded.seq, document = excluded.document`,
        )
        .run([JSON.stringify(rows)])
      database
        .statement('delete from messages where id in (select value from json_each(?))')
        .run([JSON.stringify(held.map(({ number }) => number))])
    },
  }
}

function byRows(database: SqliteDatabase): Work {
  return {
    claim() {
      const held = select(database)
      for (const { number } of held) database.statement('update messages set owner = 1 where id = ?').run([number])
      return held
    },
    settle(held) {
      const record = database.statement(
        `insert into results (seq, id, state, document) values (?, ?, 'SUCCESS', ?)
          on conflict (id) do update set seq = excluded.seq, document = excluded.document`,
      )
      for (const { number, id } of held) {
        record.run([number, id, documentOf(id, number)])
        database.statement('delete from messages where id = ?').run([number])
      }
    },
  }
}

function select(database: SqliteDatabase): Claimed[] {
  const rows = database
    .statement('select id, cast(envelope as blob) from messages where owner = 0 order by id limit ?')
    .all([atOnce])
  return rows.map(([number, envelope]) => ({ number: Number(number), id: idIn(textOf(envelope)) }))
}

/** Cheaper than parsing it all: this is about the statements. */
function idIn(envelope: string): string {
  const at = envelope.indexOf('"id":"') + 6
  return envelope.slice(at, at + 36)
}
