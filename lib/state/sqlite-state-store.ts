import type { Clock } from '../base/clock.ts'
import { Closed } from '../base/errors.ts'
import { textOf } from '../driver/sqlite/sqlite-database.ts'
import { openSqliteStore, type SqliteStore } from '../driver/sqlite/sqlite-store.ts'
import type { Transaction, WriteKind } from '../driver/sqlite/write-queue.ts'
import { decideRate } from './gcra.ts'
import type { Expiry, IndexEntry, Rate, StateStore } from './state-store.ts'

export interface SqliteStateStoreOptions {
  readonly path: string
  readonly clock: Clock
  /** `full` survives a power cut, `normal` the end of every process. @default normal */
  readonly synchronous?: 'normal' | 'full' | undefined
  /** How long anything waits for other processes' locks, ms. @default 10_000 */
  readonly publishTimeoutMs?: number | undefined
}

/** State in a file that all processes of this machine share. Times to live are counted by the wall clock. */
export class SqliteStateStore implements StateStore {
  readonly #store: SqliteStore
  #stopTidying: (() => void) | undefined
  #isStopped = false

  constructor({ path, clock, synchronous, publishTimeoutMs }: SqliteStateStoreOptions) {
    this.#store = openSqliteStore({ path, clock, synchronous, timeoutMs: publishTimeoutMs })
  }

  /** @throws {StoreUnusable, StoreFull, NoDriver, BrokerUnavailable} when the file can't be opened */
  async start(): Promise<void> {
    this.#refuseStopped()
    await this.#store.open()
    this.#stopTidying ??= this.#store.keepTidy(sweepState)
  }

  async stop(): Promise<void> {
    if (this.#isStopped) return
    this.#isStopped = true
    this.#stopTidying?.()
    await this.#store.release()
  }

  async get(key: string): Promise<string | undefined> {
    this.#refuseStopped()
    const now = this.#store.clock.now()
    return this.#store.read('read state', (database) => {
      const row = database.statement(selectValue).all([key, now])[0]
      return row === undefined ? undefined : textOf(row[0])
    })
  }

  putIfAbsent(key: string, value: string, options?: Expiry): Promise<{ stored: boolean; value: string }> {
    return this.#change((transaction) => {
      const known = readValue(transaction, key)
      if (known !== undefined) return { stored: false, value: known }
      putValue(transaction, key, { value, ...options })
      return { stored: true, value }
    })
  }

  compareAndSet(
    key: string,
    change: { expected: string | undefined; value: string | undefined } & Expiry,
  ): Promise<boolean> {
    return this.#change((transaction) => {
      if (readValue(transaction, key) !== change.expected) return false
      const { value, ttlMs } = change
      if (value === undefined) transaction.database.statement('delete from state_values where key = ?').run([key])
      else putValue(transaction, key, { value, ttlMs })
      return true
    })
  }

  takeRate(
    key: string,
    rate: Rate & { cost?: number | undefined },
  ): Promise<{ allowed: boolean; retryAfterMs: number }> {
    return this.#change(({ database, now }) => {
      const row = database.statement('select full_at from state_rates where key = ?').all([key])[0]
      const { allowed, retryAfterMs, fullAt } = decideRate(row === undefined ? undefined : Number(row[0]), now, rate)
      if (allowed) database.statement('insert or replace into state_rates values (?, ?)').run([key, fullAt])
      return { allowed, retryAfterMs }
    })
  }

  takePlace(key: string, holder: string, { limit, ttlMs }: { limit: number; ttlMs: number }): Promise<boolean> {
    return this.#change(({ database, now }) => {
      database.statement('delete from state_places where key = ? and expires_at <= ?').run([key, now])
      const others = database
        .statement('select count(*) from state_places where key = ? and holder <> ?')
        .all([key, holder])[0]
      const held = database.statement('select 1 from state_places where key = ? and holder = ?').all([key, holder])
      if (held.length === 0 && Number(others?.[0]) >= limit) return false
      database.statement('insert or replace into state_places values (?, ?, ?)').run([key, holder, now + ttlMs])
      return true
    })
  }

  releasePlace(key: string, holder: string): Promise<void> {
    return this.#change(({ database }) => {
      database.statement('delete from state_places where key = ? and holder = ?').run([key, holder])
    })
  }

  indexAdd(name: string, entries: readonly IndexEntry[], options: Expiry = {}): Promise<void> {
    return this.#change((transaction) => {
      const { database } = transaction
      if (!isIndex(transaction, name)) removeIndex(transaction, name)
      const { expiresAt } = endOf(transaction, options)
      database.statement('insert or replace into state_indexes values (?, ?)').run([name, expiresAt])
      const add = database.statement('insert or replace into state_entries values (?, ?, ?)')
      for (const { member, score } of entries) add.run([name, member, score])
    }, entries.length)
  }

  indexRemove(name: string, members: readonly string[]): Promise<number> {
    return this.#change((transaction) => {
      if (!isIndex(transaction, name)) return 0
      const remove = transaction.database.statement('delete from state_entries where name = ? and member = ?')
      return members.reduce((count, member) => count + remove.run([name, member]).changes, 0)
    }, members.length)
  }

  async indexRange(
    name: string,
    range: { from?: number | undefined; to?: number | undefined; limit?: number | undefined },
  ): Promise<IndexEntry[]> {
    this.#refuseStopped()
    const { from = -Infinity, to = Infinity, limit = -1 } = range
    const now = this.#store.clock.now()
    return this.#store.read('read state', (database) =>
      database
        .statement(selectRange)
        .all([name, from, to, name, now, limit])
        .map(([member, score]) => ({ member: textOf(member), score: Number(score) })),
    )
  }

  async #change<R>(act: (transaction: Transaction) => R, weight = 1): Promise<R> {
    this.#refuseStopped()
    return (await this.#store.write(changing, { act, weight })) as R
  }

  #refuseStopped(): void {
    if (this.#isStopped) throw new Closed(`Cannot use the state store ${this.#store.name}: it was closed.`)
  }
}

interface Change {
  readonly act: (transaction: Transaction) => unknown
  readonly weight: number
}

const changing: WriteKind<Change, unknown> = {
  name: 'change state',
  weight: ({ weight }) => weight,
  run: (transaction, items) => items.map(({ act }) => act(transaction)),
}

const selectValue =
  'select cast(value as blob) from state_values where key = ? and (expires_at is null or expires_at > ?)'
const selectRange = `select cast(member as blob) as member, score from state_entries
  where name = ? and score >= ? and score <= ?
    and exists (select 1 from state_indexes i where i.name = ? and (i.expires_at is null or i.expires_at > ?))
  order by score, member limit ?`

function readValue({ database, now }: Transaction, key: string): string | undefined {
  const row = database.statement(selectValue).all([key, now])[0]
  return row === undefined ? undefined : textOf(row[0])
}

function putValue(transaction: Transaction, key: string, { value, ...expiry }: { value: string } & Expiry): void {
  const { expiresAt } = endOf(transaction, expiry)
  transaction.database.statement('insert or replace into state_values values (?, ?, ?)').run([key, value, expiresAt])
}

function endOf({ now }: Transaction, { ttlMs }: Expiry): { expiresAt: number | null } {
  return { expiresAt: ttlMs === undefined ? null : now + ttlMs }
}

function isIndex({ database, now }: Transaction, name: string): boolean {
  const rows = database
    .statement('select 1 from state_indexes where name = ? and (expires_at is null or expires_at > ?)')
    .all([name, now])
  return rows.length > 0
}

function removeIndex({ database }: Transaction, name: string): void {
  database.statement('delete from state_entries where name = ?').run([name])
  database.statement('delete from state_indexes where name = ?').run([name])
}

/** Removes what has expired. A {@link Sweep}. */
function sweepState(transaction: Transaction, limit: number): number {
  const { database, now } = transaction
  const removed = [
    'delete from state_values where key in (select key from state_values where expires_at <= ? limit ?)',
    'delete from state_rates where key in (select key from state_rates where full_at <= ? limit ?)',
    'delete from state_places where (key, holder) in (select key, holder from state_places where expires_at <= ? limit ?)',
  ].map((sql) => database.statement(sql).run([now, limit]).changes)
  const ended = database
    .statement('select cast(name as blob) as name from state_indexes where expires_at <= ? limit 10')
    .all([now])
  for (const [name] of ended) removeIndex(transaction, textOf(name))
  return Math.max(...removed)
}
