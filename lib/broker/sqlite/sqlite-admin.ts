import { InvalidCall } from '../../base/errors.ts'
import { type SqliteDatabase, textOf } from '../../driver/sqlite/sqlite-database.ts'
import type { SqliteStore } from '../../driver/sqlite/sqlite-store.ts'
import type { Transaction, WriteKind } from '../../driver/sqlite/write-queue.ts'
import type { BrokerAdmin, DeadLetter, QueueCounts } from '../broker.ts'
import { findDead, replayDead } from './dead-letter-rows.ts'
import type { QueueTable } from './queue-table.ts'

/** Messages removed in one transaction of a purge. */
const purgedAtOnce = 2_000

/** What operators do with the queues of an embedded store. */
export class SqliteAdmin implements BrokerAdmin {
  readonly #store: SqliteStore
  readonly #queues: QueueTable
  readonly #refuseStopped: (what: string) => void

  constructor(store: SqliteStore, queues: QueueTable, refuseStopped: (what: string) => void) {
    this.#store = store
    this.#queues = queues
    this.#refuseStopped = refuseStopped
  }

  queues(): Promise<QueueCounts[]> {
    return this.#read('list queues', (database) => {
      const rows = database.statement('select id, cast(name as blob) as name from queues order by name').all([])
      return rows.map(([id, name]) => this.#countsOf(database, Number(id), textOf(name)))
    })
  }

  counts(queue: string): Promise<QueueCounts> {
    return this.#read('count messages', (database) => {
      const id = this.#queues.findId(database, queue)
      return id === undefined ? emptyQueue(queue) : this.#countsOf(database, id, queue)
    })
  }

  async purge(queue: string): Promise<number> {
    this.#refuseStopped('purge a queue')
    let removed = 0
    // In pieces, so that nobody waits for the lock while a million messages go.
    for (;;) {
      const count = await this.#store.write(this.#purging, queue)
      removed += count
      if (count < purgedAtOnce) return removed
    }
  }

  async pause(queue: string): Promise<void> {
    await this.#setPaused(queue, true)
  }

  async resume(queue: string): Promise<void> {
    await this.#setPaused(queue, false)
  }

  deadLetters(
    filter: { queue?: string | undefined; limit?: number | undefined; after?: string | undefined } = {},
  ): Promise<DeadLetter[]> {
    const { queue, limit = -1, after } = filter
    return this.#read('list dead letters', (database) => {
      const id = queue === undefined ? undefined : this.#queues.findId(database, queue)
      if (queue !== undefined && id === undefined) return []
      const from = after === undefined ? 0 : numberOf(after)
      return findDead(database, { queue: id, after: from, limit }, (number) => this.#queues.nameOf(database, number))
    })
  }

  async deadLetter(id: string): Promise<DeadLetter | undefined> {
    const number = findNumber(id)
    const [found] = await this.deadLetters({ after: String((number ?? 0) - 1), limit: 1 })
    return found?.id === id ? found : undefined
  }

  async replayDead(ids: readonly string[]): Promise<number> {
    this.#refuseStopped('replay dead letters')
    return this.#store.write(replaying, ids)
  }

  async dropDead(ids: readonly string[]): Promise<number> {
    this.#refuseStopped('drop dead letters')
    return this.#store.write(dropping, ids)
  }

  #countsOf(database: SqliteDatabase, id: number, queue: string): QueueCounts {
    const count = (sql: string, ...more: number[]): number =>
      Number(database.statement(sql).all([id, ...more])[0]?.[0] ?? 0)
    const now = this.#store.clock.now()
    const parked = count('select count(*) from parked where queue = ?')
    // Due, and nobody was there to make it claimable.
    const due = count('select count(*) from parked where queue = ? and due <= ?', now)
    return {
      queue,
      waiting: count('select count(*) from ready where queue = ?') + due,
      scheduled: parked - due,
      claimed: count('select count(*) from claims where queue = ?'),
      dead: count('select count(*) from dead where queue = ?'),
      paused: count('select paused from queues where id = ?') === 1,
    }
  }

  async #setPaused(queue: string, paused: boolean): Promise<void> {
    this.#refuseStopped(paused ? 'pause a queue' : 'resume a queue')
    await this.#store.write(this.#pausing, { queue, paused })
  }

  async #read<T>(what: string, read: (database: SqliteDatabase) => T): Promise<T> {
    this.#refuseStopped(what)
    return this.#store.read(what, read)
  }

  readonly #purging: WriteKind<string, number> = {
    name: 'purge',
    weight: () => purgedAtOnce,
    run: (transaction, items) =>
      items.map((queue) => {
        const id = this.#queues.findId(transaction.database, queue)
        return id === undefined ? 0 : purgeSome(transaction, id, purgedAtOnce)
      }),
  }

  readonly #pausing: WriteKind<{ readonly queue: string; readonly paused: boolean }, void> = {
    name: 'pause or resume',
    weight: () => 1,
    run: (transaction, items) => {
      for (const { queue, paused } of items) {
        const id = this.#queues.idOf(transaction, queue)
        transaction.database.statement('update queues set paused = ? where id = ?').run([paused ? 1 : 0, id])
      }
      transaction.changed('messages')
      return items.map(() => undefined)
    },
  }
}

function purgeSome({ database }: Transaction, queue: number, limit: number): number {
  const ready = 'from ready where queue = ? order by priority, position limit ?'
  database.statement(`delete from messages where id in (select message ${ready})`).run([queue, limit])
  const waiting = database
    .statement(`delete from ready where queue = ? and (priority, position) in (select priority, position ${ready})`)
    .run([queue, queue, limit])
  const left = limit - waiting.changes
  if (left === 0) return waiting.changes
  const parked = 'from parked where queue = ? limit ?'
  database.statement(`delete from messages where id in (select message ${parked})`).run([queue, left])
  const scheduled = database
    .statement(`delete from parked where (due, message) in (select due, message ${parked})`)
    .run([queue, left])
  return waiting.changes + scheduled.changes
}

const replaying: WriteKind<readonly string[], number> = {
  name: 'replay dead letters',
  weight: (ids) => ids.length,
  run: (transaction, items) => items.map((ids) => numbersOf(ids).filter((id) => replayDead(transaction, id)).length),
}

const dropping: WriteKind<readonly string[], number> = {
  name: 'drop dead letters',
  weight: (ids) => ids.length,
  run: ({ database }, items) =>
    items.map((ids) => {
      const drop = database.statement('delete from dead where id = ?')
      return numbersOf(ids).reduce((count, id) => count + drop.run([id]).changes, 0)
    }),
}

function numbersOf(ids: readonly string[]): number[] {
  return ids.map(findNumber).filter((id) => id !== undefined)
}

/** Ids that are not ours name nothing. */
function findNumber(id: string): number | undefined {
  return /^\d{1,15}$/.test(id) ? Number(id) : undefined
}

function numberOf(after: string): number {
  const number = after === '-1' ? -1 : findNumber(after)
  if (number === undefined) throw new InvalidCall(`"${after}" is not the id of a dead letter here.`)
  return number
}

function emptyQueue(queue: string): QueueCounts {
  return { queue, waiting: 0, scheduled: 0, claimed: 0, dead: 0, paused: false }
}
