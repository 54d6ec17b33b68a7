import { statfsSync } from 'node:fs'
import { dirname } from 'node:path'
import { BrokerUnavailable, MessageTooLarge, StoreFull, StoreUnusable, UmbelError } from '../../base/errors.ts'
import { isBusy, sqliteCode, sqliteCodes } from './sqlite-error.ts'

/** What was being done, to which file, and for how long it was tried. */
export interface StoreAct {
  /** `publish`, `settle`, `open the store` … */
  readonly what: string
  readonly path: string
  readonly waitedMs?: number | undefined
}

/** The library's error for one of SQLite's or of the file system's; anything else comes back as it is. */
export function storeError(error: unknown, act: StoreAct): unknown {
  if (error instanceof UmbelError) return error
  return fileSystemError(error, act) ?? sqliteError(error, act) ?? error
}

function sqliteError(cause: unknown, { what, path, waitedMs = 0 }: StoreAct): UmbelError | undefined {
  const could = `Could not ${what} in ${path}`
  const options = { cause }
  if (isBusy(cause)) {
    const since = `${(waitedMs / 1000).toFixed(1)} s`
    return new BrokerUnavailable(
      `${could}: another process held the store's lock for ${since}. Nothing was changed. Look for a process that hangs or a tool that has the file open.`,
      options,
    )
  }
  switch (sqliteCode(cause)) {
    case sqliteCodes.full:
      return storeFull(could, options)
    case sqliteCodes.readOnly:
      return new StoreUnusable(
        `${could}: the file, its -wal or -shm, or their folder may not be written. Give this user write permission, or name another path.`,
        options,
      )
    case sqliteCodes.corrupt:
      return new StoreUnusable(
        `${could}: the file is damaged. Stop every process that uses it, copy it with its -wal and -shm files aside, ` +
          `rescue what can be read with \`sqlite3 ${path} .recover\`, and start with a new file.`,
        options,
      )
    case sqliteCodes.notADatabase:
      return new StoreUnusable(
        `${could}: the file is not an Umbel store, or its head is damaged. Name another path.`,
        options,
      )
    case sqliteCodes.cannotOpen:
      return new StoreUnusable(`${could}: the file can't be opened. Check the path and its permissions.`, options)
    case sqliteCodes.tooBig:
      return new MessageTooLarge(
        `${could}: over the store's limit of 1 GB for one value. Send a reference to the data instead.`,
        options,
      )
    case sqliteCodes.inputOutput:
      // Not every file system says "no space" in a way that SQLite tells apart.
      return isFull(path)
        ? storeFull(could, options)
        : new StoreUnusable(
            `${could}: the disk reports an error (${messageOf(cause)}). Look at the system's log.`,
            options,
          )
    default:
      return undefined
  }
}

function fileSystemError(cause: unknown, { what, path }: StoreAct): UmbelError | undefined {
  const code = (cause as NodeJS.ErrnoException | undefined)?.code
  const could = `Could not ${what} in ${path}`
  const options = { cause }
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return storeFull(could, options)
    case 'EMFILE':
    case 'ENFILE':
      return new BrokerUnavailable(
        `${could}: this process, or the system, has too many files open (${code}). Nothing was changed. Raise the limit (ulimit -n), or look for files and sockets that are never closed.`,
        options,
      )
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new StoreUnusable(
        `${could}: no permission to write there (${code}). Give this user write permission, or name another path.`,
        options,
      )
    case 'ENOTDIR':
    case 'EISDIR':
    case 'ENOENT':
    case 'ELOOP':
    case 'ENAMETOOLONG':
    case 'EEXIST':
      return new StoreUnusable(`${could}: the path can't be used (${messageOf(cause)}). Name another.`, options)
    default:
      return undefined
  }
}

function storeFull(could: string, options: ErrorOptions): StoreFull {
  return new StoreFull(`${could}: the disk is full. Nothing was stored. Free some space and try again.`, options)
}

function isFull(path: string): boolean {
  try {
    return statfsSync(dirname(path)).bavail === 0
  } catch {
    return false // the folder can't be asked, so the other error stands
  }
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}
