import type { Clock } from '../../base/clock.ts'
import { crashPoint } from '../../base/crash-point.ts'
import { type Deferred, deferred } from '../../base/deferred.ts'
import { BrokerUnavailable, Closed, OutcomeUnknown } from '../../base/errors.ts'
import type { SqliteDatabase } from './sqlite-database.ts'
import { isBusy, sqliteCode, sqliteCodes } from './sqlite-error.ts'
import { rollBack } from './sqlite-schema.ts'
import { storeError } from './store-error.ts'

/** What others may wait for. */
export type StoreChange = 'messages' | 'results' | 'topics'

/** One write transaction, as the parts that write into it see it. It may run twice: what must happen once belongs into `onCommit`. */
export interface Transaction {
  readonly database: SqliteDatabase
  /** Wall clock, ms since the epoch; one value for the whole transaction. */
  readonly now: number
  /** The first of `count` numbers that nobody had before. */
  reserve(sequence: 'message' | 'result', count: number): number
  /** Waiters, here and in other processes, are told after the commit. */
  changed(what: StoreChange): void
  /** Must not throw. */
  onCommit(act: () => void): void
}

/** One kind of write. Items of one kind that come together are handed over together. */
export interface WriteKind<T, R> {
  /** As errors and crash points name it: `publish`. */
  readonly name: string
  /** Rows that an item will touch, about: a transaction takes only so many. */
  weight(item: T): number
  /** One reply for each item, in order. What it throws undoes everything and is the fate of these items alone. */
  run(transaction: Transaction, items: readonly T[]): readonly R[]
}

export interface WriteQueueOptions {
  readonly database: SqliteDatabase
  readonly path: string
  readonly clock: Clock
  /** How long a write waits for other processes' locks before it is refused, ms. */
  readonly timeoutMs: number
  readonly onCommitted: (changes: ReadonlySet<StoreChange>) => void
}

interface Entry {
  readonly kind: WriteKind<unknown, unknown>
  readonly item: unknown
  readonly weight: number
  readonly since: number
  readonly outcome: Deferred<unknown>
  /** Something in its first transaction failed, so it gets one of its own. */
  isAlone: boolean
}

/** Rows in one transaction: longer ones block the event loop and the other processes for longer, and gain little. */
const maxWeight = 2000
/** Rows that may wait while another process holds the lock; more are refused, so that memory has a bound. */
const maxWaitingWeight = 500_000

/**
 * Group commit: the writes of one turn of the event loop go into one transaction, and each caller learns its own outcome. While another
 * process holds the lock it is tried again, never blocking the event loop for longer than the connection's busy time-out.
 */
export class WriteQueue {
  readonly #options: WriteQueueOptions
  readonly #waiting: Entry[] = []
  #waitingWeight = 0
  #isScheduled = false
  #isClosed = false
  #drained: Deferred<void> | undefined

  constructor(options: WriteQueueOptions) {
    this.#options = options
  }

  /** @throws what the kind throws; {BrokerUnavailable, StoreFull, StoreUnusable, OutcomeUnknown, Closed} */
  write<T, R>(kind: WriteKind<T, R>, item: T): Promise<R> {
    const { path, clock } = this.#options
    const weight = kind.weight(item)
    if (this.#isClosed) return Promise.reject(new Closed(`Cannot ${kind.name} in ${path}: it was closed.`))
    if (this.#waitingWeight > 0 && this.#waitingWeight + weight > maxWaitingWeight)
      return Promise.reject(
        new BrokerUnavailable(
          `Cannot ${kind.name} in ${path}: ${this.#waitingWeight} writes wait already for other processes' locks. Send slower.`,
        ),
      )
    const outcome = deferred<unknown>()
    this.#waitingWeight += weight
    this.#waiting.push({
      kind: kind as WriteKind<unknown, unknown>,
      item,
      weight,
      since: clock.monotonic(),
      outcome,
      isAlone: false,
    })
    this.#schedule()
    return outcome.promise as Promise<R>
  }

  /** Resolves when everything that waited is written or refused. */
  async drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      this.#drained ??= deferred()
      await this.#drained.promise
    }
  }

  /** Refuses what comes from now on, and waits for the rest. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.drain()
  }

  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    // After the promises of this turn, so that a thousand calls at once are one transaction; a lone one loses some microseconds.
    setImmediate(this.#flush)
  }

  readonly #flush = (): void => {
    this.#isScheduled = false
    const entries = this.#next()
    if (entries.length === 0) return
    if (this.#attempt(entries)) {
      if (this.#waiting.length > 0) this.#schedule()
      else {
        this.#drained?.resolve()
        this.#drained = undefined
      }
      return
    }
    this.#isScheduled = true
    // Never cancelled: closing waits for what is queued.
    this.#options.clock.timer(1 + Math.random() * 7, this.#flush, { keepAlive: true })
  }

  /** What the next transaction takes, without removing it. */
  #next(): Entry[] {
    const first = this.#waiting[0]
    if (first === undefined || first.isAlone) return this.#waiting.slice(0, 1)
    let count = 0
    for (let weight = 0; count < this.#waiting.length; count++) {
      const entry = this.#waiting[count]!
      weight += entry.weight
      if (entry.isAlone || (count > 0 && weight > maxWeight)) break
    }
    return this.#waiting.slice(0, count)
  }

  /** False when the lock could not be had: the same is to be tried again. */
  #attempt(entries: readonly Entry[]): boolean {
    const { database, onCommitted } = this.#options
    const transaction = new OpenTransaction(database, this.#options.clock.now())
    const groups = byKind(entries)
    let replies: ReadonlyMap<Entry, unknown>
    try {
      database.exec('begin immediate')
    } catch (error) {
      if (!isBusy(error)) this.#failed(entries, error)
      else this.#expire(error)
      return !isBusy(error)
    }
    let isCommitting = false
    try {
      replies = runGroups(groups, transaction)
      isCommitting = true
      for (const { kind } of groups) crashPoint(`${kind.name}.beforeCommit`)
      database.exec('commit')
    } catch (error) {
      undo(database)
      if (isCommitting && sqliteCode(error) === sqliteCodes.inputOutput) this.#refuseAll(entries, this.#unknown(error))
      else this.#failed(entries, error)
      return true
    }
    for (const { kind } of groups) crashPoint(`${kind.name}.afterCommit`)
    this.#remove(entries)
    for (const act of transaction.acts) act()
    for (const entry of entries) entry.outcome.resolve(replies.get(entry))
    if (transaction.changes.size > 0) onCommitted(transaction.changes)
    return true
  }

  /** One of several is to blame: each is tried alone. A single one is refused. */
  #failed(entries: readonly Entry[], error: unknown): void {
    if (entries.length > 1) {
      for (const entry of entries) entry.isAlone = true
      return
    }
    this.#refuseAll(entries, error)
  }

  /** Refuses what has waited too long for the lock. */
  #expire(error: unknown): void {
    const { clock, timeoutMs } = this.#options
    const now = clock.monotonic()
    const late = this.#waiting.filter((entry) => now - entry.since >= timeoutMs)
    this.#refuseAll(late, error)
    if (this.#waiting.length > 0) return
    this.#drained?.resolve()
    this.#drained = undefined
  }

  #refuseAll(entries: readonly Entry[], error: unknown): void {
    const { path, clock } = this.#options
    this.#remove(entries)
    for (const { kind, since, outcome } of entries) {
      const waitedMs = clock.monotonic() - since
      outcome.reject(storeError(error, { what: kind.name, path, waitedMs }))
    }
  }

  /** After a failed write of the log's last part, only the next start of SQLite tells whether it counts. */
  #unknown(cause: unknown): OutcomeUnknown {
    return new OutcomeUnknown(
      `The disk reported an error while writing to ${this.#options.path}: the write may or may not be there after a restart.`,
      { cause },
    )
  }

  #remove(entries: readonly Entry[]): void {
    for (const entry of entries) this.#waitingWeight -= entry.weight
    if (entries.length === this.#waiting.length) this.#waiting.length = 0
    else if (entries[0] === this.#waiting[0] && isPrefix(entries, this.#waiting))
      this.#waiting.splice(0, entries.length)
    else {
      const gone = new Set(entries)
      const left = this.#waiting.filter((entry) => !gone.has(entry))
      this.#waiting.splice(0, this.#waiting.length, ...left)
    }
  }
}

function isPrefix(entries: readonly Entry[], all: readonly Entry[]): boolean {
  return entries.at(-1) === all[entries.length - 1]
}

interface Group {
  readonly kind: WriteKind<unknown, unknown>
  readonly entries: Entry[]
}

function byKind(entries: readonly Entry[]): Group[] {
  const groups: Group[] = []
  for (const entry of entries) {
    const group = groups.find(({ kind }) => kind === entry.kind)
    if (group === undefined) groups.push({ kind: entry.kind, entries: [entry] })
    else group.entries.push(entry)
  }
  return groups
}

function runGroups(groups: readonly Group[], transaction: Transaction): Map<Entry, unknown> {
  const replies = new Map<Entry, unknown>()
  for (const { kind, entries } of groups) {
    const items = entries.map(({ item }) => item)
    kind.run(transaction, items).forEach((reply, index) => {
      replies.set(entries[index]!, reply)
    })
  }
  return replies
}

function undo(database: SqliteDatabase): void {
  try {
    rollBack(database)
  } catch {
    // The failure that led here is the one to tell; a connection that can't even roll back fails the next transaction too.
  }
}

class OpenTransaction implements Transaction {
  readonly database: SqliteDatabase
  readonly now: number
  readonly changes = new Set<StoreChange>()
  readonly acts: (() => void)[] = []

  constructor(database: SqliteDatabase, now: number) {
    this.database = database
    this.now = now
  }

  reserve(sequence: 'message' | 'result', count: number): number {
    const rows = this.database
      .statement('update sequences set next = next + ? where name = ? returning next - ?')
      .all([count, sequence, count])
    return Number(rows[0]![0])
  }

  changed(what: StoreChange): void {
    this.changes.add(what)
  }

  onCommit(act: () => void): void {
    this.acts.push(act)
  }
}
