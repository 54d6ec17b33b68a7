import { openDatabase, type SqliteDatabase } from '../../lib/driver/sqlite/sqlite-database.ts'

/** Opens the file of the bare statements, as Umbel opens its own. @param isNew makes the tables */
export function openBare(path: string, options: { isNew: boolean } = { isNew: false }): SqliteDatabase {
  const database = openDatabase(path, { busyTimeoutMs: 60_000 })
  if (options.isNew) database.exec('pragma page_size = 8192')
  database.statement('pragma journal_mode = wal').all([])
  database.exec('pragma synchronous = normal; pragma cache_size = -16000; pragma wal_autocheckpoint = 2000')
  if (options.isNew)
    database.exec(`
      create table messages (id integer primary key, owner integer not null, envelope text not null);
      create table results (seq integer primary key, id text not null unique, state text not null, document text not null)`)
  return database
}

/** A result document of the usual size. */
export function documentOf(id: string, value: number): string {
  return `{"status":"SUCCESS","result":${value},"traceback":null,"children":[],"date_done":"2026-01-01T00:00:00.000000","task_id":"${id}"}`
}
