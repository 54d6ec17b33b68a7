import { accessSync, closeSync, constants, mkdirSync, openSync, realpathSync, statfsSync, statSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { StoreUnusable } from '../../base/errors.ts'
import { networkFileSystem } from './network-file-system.ts'
import { openDatabase, type SqliteDatabase, textOf } from './sqlite-database.ts'
import { applicationId, type FileMarks, migrate, readMarks, rollBack, schemaVersion } from './sqlite-schema.ts'

export interface OpenFileOptions {
  /** `full` survives a power cut, `normal` the end of every process. */
  readonly synchronous: 'normal' | 'full'
  /** How long a statement may block waiting for a lock, ms. */
  readonly busyTimeoutMs: number
  /** statfs' type of a folder; for tests. */
  readonly fileSystemType?: ((folder: string) => number) | undefined
}

/** One name for one file: absolute, symbolic links followed as far as they exist. */
export function realStorePath(path: string): string {
  const absolute = resolve(path)
  try {
    return realpathSync(absolute)
  } catch {
    // Not there yet: at least its folder may be.
  }
  try {
    return join(realpathSync(dirname(absolute)), basename(absolute))
  } catch {
    return absolute
  }
}

/**
 * Opens a store file, made and brought to this version where needed.
 * @throws {StoreUnusable} saying why; the driver's own error when it is locked just now
 */
export function openStoreFile(path: string, options: OpenFileOptions): SqliteDatabase {
  prepareFile(path, options)
  const database = openDatabase(path, options)
  try {
    const isNew = refuseForeign(path, database)
    // Only possible before the first page is written. Half as many, twice as large pages cost less for messages of some 600 bytes.
    if (isNew) database.exec('pragma page_size = 8192')
    useLog(path, database)
    database.exec(
      // A cache of 16 MB holds the index of some 100,000 results; a log of 16 MB is copied back some 10 ms at a time.
      `pragma synchronous = ${options.synchronous}; pragma cache_size = -16000; pragma wal_autocheckpoint = 2000;
       pragma journal_size_limit = 67108864; pragma foreign_keys = off`,
    )
    if (readMarks(database).version < schemaVersion) migrate(database)
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

function prepareFile(path: string, { fileSystemType = typeOf }: OpenFileOptions): void {
  const folder = dirname(path)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const network = networkFileSystem(fileSystemType(folder))
  if (network !== undefined)
    throw new StoreUnusable(
      `Cannot keep a store in ${folder}: it is on a network or shared file system (${network}), where an embedded store loses messages. ` +
        'Name a path on a local disk, or use a broker that is a server.',
    )
  try {
    // Made here, since SQLite makes files that everybody may read; its -wal and -shm follow this one. Never opened when it exists:
    // closing it again would drop the locks that another connection of this process holds on it (POSIX locks).
    closeSync(openSync(path, 'wx', 0o600))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  // The log first: whoever makes the file just now writes to it before he writes to its log.
  const logSize = sizeOf(`${path}-wal`)
  const stat = statSync(path)
  if (!stat.isFile()) throw new StoreUnusable(`Cannot use ${path} as a store: it is not a file. Name another path.`)
  accessSync(path, constants.R_OK | constants.W_OK)
  accessSync(folder, constants.W_OK)
  if (stat.size === 0 && logSize > 0)
    throw new StoreUnusable(
      `Cannot open the store ${path}: the file is empty but its log (-wal) is not, so it was damaged. ` +
        'Put back a copy of the file, or move both aside to start with a new store.',
    )
}

/** True for a file that nobody has written to. */
function refuseForeign(path: string, database: SqliteDatabase): boolean {
  const marks = readTogether(database)
  if (marks.applicationId === 0 && marks.version === 0 && marks.tables === 0) return true
  if (marks.applicationId !== applicationId)
    throw new StoreUnusable(`Cannot open the store ${path}: it is a database of another program. Name another path.`)
  if (marks.version > schemaVersion)
    throw new StoreUnusable(
      `Cannot open the store ${path}: it was written by a newer Umbel (schema version ${marks.version}, this one knows ${schemaVersion}). ` +
        'Update umbel in this program, or name another path.',
    )
  return false
}

/** In one transaction: read one after the other, the marks of a file that another process makes just now would be half of them new. */
function readTogether(database: SqliteDatabase): FileMarks {
  database.exec('begin')
  try {
    return readMarks(database)
  } finally {
    rollBack(database)
  }
}

function useLog(path: string, database: SqliteDatabase): void {
  const mode = textOf(database.statement('pragma journal_mode = wal').all([])[0]?.[0])
  if (mode !== 'wal')
    throw new StoreUnusable(
      `Cannot open the store ${path}: its file system can't keep a write-ahead log (journal mode is ${mode}). Name a path on a local disk.`,
    )
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0
}

function typeOf(folder: string): number {
  return process.platform === 'linux' ? statfsSync(folder).type : 0
}
