import { retryDelay } from '../../base/backoff.ts'
import type { Clock } from '../../base/clock.ts'
import { Closed } from '../../base/errors.ts'
import { type ChangeListener, ChangeListeners } from './change-listeners.ts'
import { Housekeeping, type Sweep } from './housekeeping.ts'
import { machineTime } from './machine-time.ts'
import { openStoreFile, realStorePath } from './open-store-file.ts'
import type { SqliteDatabase } from './sqlite-database.ts'
import { isBusy } from './sqlite-error.ts'
import { storeError } from './store-error.ts'
import { type WriteKind, WriteQueue } from './write-queue.ts'

export interface SqliteStoreOptions {
  readonly path: string
  readonly clock: Clock
  /** `full` survives a power cut, `normal` the end of every process. @default normal */
  readonly synchronous?: 'normal' | 'full' | undefined
  /** How long anything waits for other processes' locks before it is refused, ms. @default 10_000 */
  readonly timeoutMs?: number | undefined
}

/** How long one statement may hold up the event loop waiting for a lock; then it is tried again from a timer. */
const busyTimeoutMs = 20

// One connection for each file and clock: broker, result backend and state store of one app share transactions.
const openStores = new WeakMap<Clock, Map<string, SqliteStore>>()

/** The store of a file, shared by all of this process that name the same file and clock; each gives it back with `release()`. */
export function openSqliteStore(options: SqliteStoreOptions): SqliteStore {
  const path = realStorePath(options.path)
  let stores = openStores.get(options.clock)
  if (stores === undefined) {
    stores = new Map()
    openStores.set(options.clock, stores)
  }
  let store = stores.get(path)
  if (store === undefined) {
    const registry = stores
    store = new SqliteStore(path, options, () => registry.delete(path))
    stores.set(path, store)
  }
  store.join(options)
  return store
}

/** One store file of this process. Opened by the first use; nothing in it keeps the process alive but what is being written. */
export class SqliteStore {
  readonly path: string
  /** As brokers and result backends show it: `sqlite:/home/me/.umbel/umbel.db`. */
  readonly name: string
  readonly clock: Clock
  /** ms on a clock that all processes of the machine share. */
  readonly machineNow: () => number
  readonly #onLast: () => void
  readonly #changes: ChangeListeners
  readonly #housekeeping: Housekeeping
  #timeoutMs: number
  #synchronous: 'normal' | 'full' = 'normal'
  #users = 0
  #database: SqliteDatabase | undefined
  #queue: WriteQueue | undefined
  #opening: Promise<void> | undefined

  constructor(path: string, options: SqliteStoreOptions, onLast: () => void) {
    this.path = path
    this.name = `sqlite:${path}`
    this.clock = options.clock
    this.machineNow = machineTime(options.clock)
    this.#timeoutMs = options.timeoutMs ?? 10_000
    this.#onLast = onLast
    this.#changes = new ChangeListeners(path, options.clock)
    this.#housekeeping = new Housekeeping(options.clock, (kind, item) => this.write(kind, item))
  }

  /** One user more. The stricter of two wishes for durability wins. */
  join({ synchronous, timeoutMs }: SqliteStoreOptions): void {
    this.#users++
    if (timeoutMs !== undefined) this.#timeoutMs = timeoutMs
    if (synchronous !== 'full' || this.#synchronous === 'full') return
    this.#synchronous = 'full'
    this.#database?.exec('pragma synchronous = full')
  }

  /** One user less; the last one flushes and closes. Each user calls it once. */
  async release(): Promise<void> {
    if (--this.#users > 0) return
    this.#onLast()
    this.#housekeeping.close()
    this.#changes.close()
    await this.#opening?.catch(() => {}) // told to whoever had opened it
    await this.#queue?.close()
    this.#database?.close()
  }

  /**
   * Opens the file, once; needless before other calls.
   * @throws {StoreUnusable, StoreFull, NoDriver, BrokerUnavailable, Closed}
   */
  open(): Promise<void> {
    if (this.#opening !== undefined) return this.#opening
    if (this.#users <= 0) return Promise.reject(new Closed(`Cannot use the store ${this.path}: it was closed.`))
    const opening = this.#openFile()
    this.#opening = opening
    // What made it fail may be mended: the next use tries again.
    opening.catch(() => {
      this.#opening = undefined
    })
    return opening
  }

  /** In a transaction shared with the other writes of this turn. @throws what the kind throws, or as {@link open} */
  write<T, R>(kind: WriteKind<T, R>, item: T): Promise<R> {
    if (this.#users <= 0) return Promise.reject(new Closed(`Cannot ${kind.name} in ${this.path}: it was closed.`))
    if (this.#queue !== undefined) return this.#queue.write(kind, item)
    return this.open().then(() => this.#queue!.write(kind, item))
  }

  /** Resolves when every write so far is done or refused. */
  async drain(): Promise<void> {
    await this.#queue?.drain()
  }

  /** Reads, trying again while the file is locked (it rarely is, for readers). @param what as errors name it */
  async read<T>(what: string, read: (database: SqliteDatabase) => T): Promise<T> {
    await this.open()
    return this.#retry(what, () => read(this.#openDatabase(what)))
  }

  /** Reads at once. @throws {Closed} when the store isn't open; {BrokerUnavailable} when it is locked just now; {StoreUnusable} */
  readNow<T>(what: string, read: (database: SqliteDatabase) => T): T {
    const database = this.#openDatabase(what)
    try {
      return read(database)
    } catch (error) {
      throw storeError(error, { what, path: this.path })
    }
  }

  /** Called back after changes of this process, of others, and now and then. Stop with what it returns. */
  onChange(listener: ChangeListener): () => void {
    return this.#changes.add(listener)
  }

  /** Sweeps now and then while the store is open. Stop with what it returns. */
  keepTidy(sweep: Sweep): () => void {
    return this.#housekeeping.add(sweep)
  }

  #openDatabase(what: string): SqliteDatabase {
    if (this.#database === undefined || this.#users <= 0)
      throw new Closed(`Cannot ${what} in ${this.path}: it was closed.`)
    return this.#database
  }

  async #openFile(): Promise<void> {
    const { path, clock } = this
    const database = await this.#retry('open the store', () =>
      openStoreFile(path, { synchronous: this.#synchronous, busyTimeoutMs }),
    )
    this.#database = database
    this.#queue = new WriteQueue({
      database,
      path,
      clock,
      timeoutMs: this.#timeoutMs,
      onCommitted: (changes) => this.#changes.committed(changes),
    })
  }

  async #retry<T>(what: string, act: () => T): Promise<T> {
    const { path, clock } = this
    const since = clock.monotonic()
    for (let attempts = 0; ; attempts++) {
      try {
        return act()
      } catch (error) {
        const waitedMs = clock.monotonic() - since
        if (!isBusy(error) || waitedMs >= this.#timeoutMs) throw storeError(error, { what, path, waitedMs })
        await clock.sleep(retryDelay(attempts, { firstMs: 4, maxMs: 50, jitter: true }))
      }
    }
  }
}
