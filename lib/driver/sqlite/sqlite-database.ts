import { createRequire } from 'node:module'
import { join } from 'node:path'
import { NoDriver } from '../../base/errors.ts'

/** What can be bound. Nothing else: `libsql` ends the process on a boolean, and on bytes that stand alone instead of in an array. */
export type SqliteValue = number | string | null | Uint8Array
export type SqliteRow = readonly SqliteValue[]

/**
 * One connection, over `node:sqlite` or `libsql`, everything synchronous. Errors are the driver's own; see `sqliteCode`.
 *
 * Statements must not return TEXT that came from outside this library: `libsql` ends the process when it isn't valid UTF-8 and cuts it
 * at a NUL. They return `cast(x as blob)`, read by {@link textOf}. Their parameters are `?` alone: `node:sqlite` took `?1` for a name
 * until 24.6 (nodejs/node#59340).
 */
export interface SqliteDatabase {
  /** Runs statements without values; may be several, separated by `;`. */
  exec(sql: string): void
  /** Compiled on first use and kept. */
  statement(sql: string): SqliteStatement
  /** May be called twice. */
  close(): void
}

export interface SqliteStatement {
  run(values: readonly SqliteValue[]): SqliteChanges
  all(values: readonly SqliteValue[]): SqliteRow[]
}

export interface SqliteChanges {
  readonly changes: number
  readonly lastRowId: number
}

export interface OpenDatabaseOptions {
  /** How long a statement may block this thread waiting for another connection's lock, ms. */
  readonly busyTimeoutMs: number
}

/** Text that a statement returned as a blob. Bytes that are no UTF-8 become U+FFFD. */
export function textOf(value: SqliteValue | undefined): string {
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('utf8')
  return String(value ?? '')
}

/**
 * Opens a file, which is created where it doesn't exist.
 * @throws {NoDriver} where neither driver is there; the driver's own error when the file can't be opened
 */
export function openDatabase(path: string, options: OpenDatabaseOptions): SqliteDatabase {
  const builtin = loadBuiltin()
  if (builtin !== undefined) return openWithNode(builtin, path, options)
  return openWithLibsql(loadLibsql(path), path, options)
}

/** Node's own, from 22.13 on. */
function loadBuiltin(): NodeSqlite | undefined {
  const { emitWarning } = process
  // It calls itself experimental on every first load. What we use of it is tested, and nobody wants to read that with every command.
  process.emitWarning = (warning: string | Error, ...rest: unknown[]) => {
    if (!String(warning).startsWith('SQLite is an experimental'))
      Reflect.apply(emitWarning, process, [warning, ...rest])
  }
  try {
    return process.getBuiltinModule?.('node:sqlite') as NodeSqlite | undefined
  } finally {
    process.emitWarning = emitWarning
  }
}

function openWithNode(driver: NodeSqlite, path: string, options: OpenDatabaseOptions): SqliteDatabase {
  const connection = new driver.DatabaseSync(path)
  connection.exec(`pragma busy_timeout = ${Math.round(options.busyTimeoutMs)}`)
  return withStatements(connection, (sql) => {
    const statement = connection.prepare(sql)
    statement.setReturnArrays?.(true)
    const toRow = (row: unknown): SqliteRow =>
      Array.isArray(row) ? row : (Object.values(row as Record<string, SqliteValue>) as SqliteRow)
    return {
      run(values) {
        const { changes, lastInsertRowid } = statement.run(...values)
        return { changes: Number(changes), lastRowId: Number(lastInsertRowid) }
      },
      all: (values) => statement.all(...values).map(toRow),
    }
  })
}

function openWithLibsql(driver: LibsqlConstructor, path: string, options: OpenDatabaseOptions): SqliteDatabase {
  const connection = new driver(path, { timeout: options.busyTimeoutMs })
  return withStatements(connection, (sql) => {
    const statement = connection.prepare(sql)
    // `raw` is refused for statements that return nothing.
    const rows = statement.reader ? statement.raw(true) : statement
    return {
      // One array as the only argument: it goes to the native side as it is.
      run(values) {
        const { changes, lastInsertRowid } = statement.run(values)
        return { changes, lastRowId: lastInsertRowid }
      },
      all: (values) => rows.all(values) as SqliteRow[],
    }
  })
}

function withStatements(
  connection: { exec(sql: string): void; close(): void },
  prepare: (sql: string) => SqliteStatement,
): SqliteDatabase {
  const statements = new Map<string, SqliteStatement>()
  let isOpen = true
  return {
    exec: (sql) => connection.exec(sql),
    statement(sql) {
      // libsql's statements go on working after close(): they keep the connection until they are collected.
      if (!isOpen) throw new Error('The database connection is not open')
      let statement = statements.get(sql)
      if (statement === undefined) {
        statement = prepare(sql)
        statements.set(sql, statement)
      }
      return statement
    },
    close() {
      if (!isOpen) return
      isOpen = false
      statements.clear()
      connection.close()
    },
  }
}

function loadLibsql(path: string): LibsqlConstructor {
  try {
    // Its own require, at run time: importing the library must load no driver, and a bundler must not follow it.
    // In a bundle of CommonJS there is no import.meta.url; libsql is then found from where the program runs.
    return createRequire(import.meta.url ?? join(process.cwd(), 'program.js'))('libsql') as LibsqlConstructor
  } catch (cause) {
    throw new NoDriver(
      `Cannot open the store ${path}: this Node (${process.version}) has no SQLite, and the package libsql could not be loaded. ` +
        'Run `npm install libsql`, or use Node 22.13 or later.',
      { cause },
    )
  }
}

interface NodeSqlite {
  readonly DatabaseSync: new (path: string) => NodeConnection
}
interface NodeConnection {
  exec(sql: string): void
  prepare(sql: string): NodeStatement
  close(): void
}
interface NodeStatement {
  run(...values: readonly SqliteValue[]): { changes: number | bigint; lastInsertRowid: number | bigint }
  all(...values: readonly SqliteValue[]): unknown[]
  /** From 22.16 and 24.0 on. */
  setReturnArrays?(enabled: boolean): void
}

type LibsqlConstructor = new (path: string, options: { timeout: number }) => LibsqlConnection
interface LibsqlConnection {
  exec(sql: string): void
  prepare(sql: string): LibsqlStatement
  close(): void
}
interface LibsqlStatement {
  readonly reader: boolean
  raw(enabled: boolean): LibsqlStatement
  run(values: readonly SqliteValue[]): { changes: number; lastInsertRowid: number }
  all(values: readonly SqliteValue[]): unknown[]
}
