import type { RedisValue } from '../../driver/redis/redis-commands.ts'
import type { Fetched } from '../result-backend.ts'
import type { StoredRecord } from '../result-record.ts'
import { describeDocument } from './described-document.ts'
import { dayOf, type ResultKeys } from './result-keys.ts'
import type { RawResult } from './scripts/read-results.ts'

/** Ids of one script: one call must not hold up the server for long, nor bring more than it can send. */
export const idsAtOnce = 50

/**
 * A record as the arguments of a script that keeps it; see `keepRecordLua`.
 * @param skewMs what the server's clock is ahead of the one that `expiresAt` was told by
 */
export function recordValues(keys: ResultKeys, record: StoredRecord, skewMs: number): RedisValue[] {
  const { id, document, state, contentType } = record
  const described = describeDocument(document)
  const isDescribed = described?.state === state && described.contentType === contentType
  const expiresAt = record.expiresAt === undefined ? undefined : Math.max(1, Math.round(record.expiresAt + skewMs))
  const trace = expiresAt === undefined ? undefined : keys.trace(id, expiresAt)
  return [
    keys.document(id),
    document,
    expiresAt ?? '',
    id,
    trace?.key ?? '',
    trace?.until ?? '',
    state,
    isDescribed ? '' : contentType,
  ]
}

/** The arguments that `readResults` takes for an id. @param now of the server's clock */
export function readingValues(keys: ResultKeys, id: string, now: number): RedisValue[] {
  const dayMs = 86_400_000
  return [keys.document(id), id, keys.trace(id, now).key, keys.trace(id, now - dayMs).key]
}

/** What `readResults` found, as backends tell it. */
export function fetchedOf(id: string, raw: RawResult, skewMs: number): Fetched {
  if (raw === null) return { kind: 'absent' }
  if (Buffer.isBuffer(raw)) return { kind: 'expired', state: raw.toString() }
  const [document, side, expiresAt] = raw
  const record = recordOf(id, document, side)
  return { kind: 'record', record: expiresAt < 0 ? record : { ...record, expiresAt: expiresAt - skewMs } }
}

/** A document that was published; undefined when it doesn't tell its state, and must be looked up. */
export function publishedRecord(id: string, document: Buffer): StoredRecord | undefined {
  return describeDocument(document) === undefined ? undefined : recordOf(id, document, null)
}

function recordOf(id: string, document: Buffer, side: Buffer | null): StoredRecord {
  const { state, contentType } = describeDocument(document) ?? readSide(side) ?? unreadable
  return {
    id,
    state,
    document: contentType === 'application/json' ? document.toString() : new Uint8Array(document),
    contentType,
  }
}

/** Of a document that says nothing of itself. Final, so that whoever waits for it is told that it can't be read. */
const unreadable = { state: 'FAILURE', contentType: 'application/json' } as const

function readSide(side: Buffer | null): { state: string; contentType: string } | undefined {
  if (side === null) return undefined
  const text = side.toString()
  const space = text.lastIndexOf(' ')
  return { state: text.slice(0, space), contentType: text.slice(space + 1) }
}

/** Parts of a list, none of them longer than {@link idsAtOnce}. */
export function portionsOf<T>(items: readonly T[]): T[][] {
  const portions: T[][] = []
  for (let from = 0; from < items.length; from += idsAtOnce) portions.push(items.slice(from, from + idsAtOnce))
  return portions
}

/** The day of a moment on the server, and how long a day is, for `forgetResults`. */
export function today(serverNow: number): { today: number; dayMs: number } {
  return { today: dayOf(serverNow), dayMs: 86_400_000 }
}
