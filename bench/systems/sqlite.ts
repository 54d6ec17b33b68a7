import { statSync } from 'node:fs'
import { join } from 'node:path'
import { openDatabase, textOf } from '../../lib/driver/sqlite/sqlite-database.ts'
import { documentOf } from '../programs/sqlite-store.ts'
import type { Command, Place, RowName, System } from './system.ts'

/** The floor below Umbel's embedded store: the same writes of the same texts as bare statements, one JSON array for each statement. */
export const sqliteByArrays: System = bareSqlite({
  name: 'sqlite',
  title: 'bare SQLite, an array for each statement',
  how: 'arrays',
  rows: ['delay', 'delayMany', 'drain'],
})

/** As {@link sqliteByArrays}, with a statement for each row. Its inserts are the same. */
export const sqliteByRows: System = bareSqlite({
  name: 'sqlite-rows',
  title: 'bare SQLite, a statement for each row',
  how: 'rows',
  rows: ['drain'],
})

function bareSqlite(parts: { name: string; title: string; how: 'arrays' | 'rows'; rows: readonly RowName[] }): System {
  const { name, title, how, rows } = parts
  return {
    name,
    title,
    rows,
    async open(place) {
      const path = join(place.folder, 'bare.db')
      const node = commandFor(place, path)
      return {
        producer: (jobs) => node('sqlite-produce', { ...jobs[0]!, path }),
        worker: () => node('sqlite-work', { path, how }),
        wrongResults: async (ids) => wrongResults(path, ids),
        async unsettled() {
          const database = openDatabase(path, { busyTimeoutMs: 60_000 })
          const left = Number(database.statement('select count(*) from messages').all([])[0]?.[0])
          database.close()
          return left
        },
        storedBytes: async () => statSync(path).size,
        close: async () => {},
      }
    },
  }
}

function commandFor(place: Place, path: string): (program: string, job: object) => Command {
  return (program, job) => ({
    name: program,
    command: process.execPath,
    args: [place.program(program), JSON.stringify({ ...job, path })],
  })
}

function wrongResults(path: string, ids: readonly string[]): string[] {
  const database = openDatabase(path, { busyTimeoutMs: 60_000 })
  const kept = Number(database.statement('select count(*) from results').all([])[0]?.[0])
  const wrong = kept === ids.length ? [] : [`${ids.length} results were expected and there are ${kept}`]
  for (const [i, id] of ids.entries()) {
    const row = database.statement('select cast(document as blob) from results where id = ?').all([id])[0]
    if (textOf(row?.[0]) !== documentOf(id, i + 1)) wrong.push(`id ${id}: ${textOf(row?.[0])}`)
  }
  database.close()
  return wrong
}
