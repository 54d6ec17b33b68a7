/** SQLite's primary result codes that mean something to us. @see https://www.sqlite.org/rescode.html */
export const sqliteCodes = {
  busy: 5,
  locked: 6,
  outOfMemory: 7,
  readOnly: 8,
  inputOutput: 10,
  corrupt: 11,
  full: 13,
  cannotOpen: 14,
  protocol: 15,
  tooBig: 18,
  constraint: 19,
  notADatabase: 26,
} as const

/**
 * The primary result code of an error from either driver; undefined for errors that are not SQLite's.
 * `libsql` says `rawCode` and a name, `node:sqlite` says `errcode`; both give extended codes, whose low byte is the primary one.
 */
export function sqliteCode(error: unknown): number | undefined {
  if (!(error instanceof Error)) return undefined
  const { rawCode, errcode, code } = error as { rawCode?: unknown; errcode?: unknown; code?: unknown }
  const extended = typeof rawCode === 'number' ? rawCode : errcode
  if (typeof extended === 'number' && extended > 0) return extended & 0xff
  // What libsql found itself, before or beside SQLite, has a name and no number; a file that can't be opened only its text.
  const byName = typeof code === 'string' ? codesByName.find(([name]) => code.startsWith(name))?.[1] : undefined
  if (byName !== undefined) return byName
  const opening = /^ConnectionFailed\(.*: (\d+)"\)$/s.exec(error.message)
  return opening === null ? undefined : Number(opening[1]) & 0xff
}

const codesByName: readonly (readonly [string, number])[] = [
  ['SQLITE_BUSY', sqliteCodes.busy],
  ['SQLITE_LOCKED', sqliteCodes.locked],
  ['SQLITE_READONLY', sqliteCodes.readOnly],
  ['SQLITE_IOERR', sqliteCodes.inputOutput],
  ['SQLITE_CORRUPT', sqliteCodes.corrupt],
  ['SQLITE_FULL', sqliteCodes.full],
  ['SQLITE_CANTOPEN', sqliteCodes.cannotOpen],
  ['SQLITE_NOTADB', sqliteCodes.notADatabase],
]

/** Another connection holds the lock; the same thing may work a moment later. */
export function isBusy(error: unknown): boolean {
  const code = sqliteCode(error)
  return code === sqliteCodes.busy || code === sqliteCodes.locked || code === sqliteCodes.protocol
}
