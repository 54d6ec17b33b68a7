import type { Clock } from '../../base/clock.ts'
import { crashPoint } from '../../base/crash-point.ts'
import { Closed } from '../../base/errors.ts'
import { openSqliteStore, type SqliteStore } from '../../driver/sqlite/sqlite-store.ts'
import type { WriteKind } from '../../driver/sqlite/write-queue.ts'
import type { Fetched, ResultBackend, ResultBackendCapabilities } from '../result-backend.ts'
import type { StoredRecord } from '../result-record.ts'
import { findResults, forgetResults, storeRecords, sweepResults } from './result-rows.ts'
import { ResultWatches } from './result-watches.ts'

export interface SqliteResultBackendOptions {
  readonly path: string
  readonly clock: Clock
  /** `full` survives a power cut, `normal` the end of every process. @default normal */
  readonly synchronous?: 'normal' | 'full' | undefined
  /** How long anything waits for other processes' locks, ms. @default 10_000 */
  readonly publishTimeoutMs?: number | undefined
}

/** Records in a file that all processes of this machine share; in one act with settlements where the broker is on the same file. */
export class SqliteResultBackend implements ResultBackend {
  readonly capabilities: ResultBackendCapabilities = { keepsResults: true, sharedByProcesses: true }
  readonly store: string
  readonly #store: SqliteStore
  readonly #watches: ResultWatches
  #stopTidying: (() => void) | undefined
  #isStopped = false

  constructor({ path, clock, synchronous, publishTimeoutMs }: SqliteResultBackendOptions) {
    this.#store = openSqliteStore({ path, clock, synchronous, timeoutMs: publishTimeoutMs })
    this.store = this.#store.name
    this.#watches = new ResultWatches(this.#store)
  }

  /** @throws {StoreUnusable, StoreFull, NoDriver, BrokerUnavailable} when the file can't be opened */
  async start(): Promise<void> {
    this.#refuseStopped('start')
    await this.#store.open()
    this.#stopTidying ??= this.#store.keepTidy(sweepResults)
  }

  async stop(): Promise<void> {
    if (this.#isStopped) return
    this.#isStopped = true
    this.#watches.close()
    this.#stopTidying?.()
    await this.#store.release()
  }

  async keep(records: readonly StoredRecord[]): Promise<void> {
    this.#refuseStopped('store results')
    if (records.length > 0) await this.#store.write(keeping, records)
  }

  async fetch(ids: readonly string[]): Promise<Fetched[]> {
    this.#refuseStopped('read results')
    const now = this.#store.clock.now()
    const found = await this.#store.read('read results', (database) => findResults(database, ids, now))
    crashPoint('result.read')
    const byId = new Map(found.map((result) => [result.id, result.found]))
    return ids.map((id) => byId.get(id) ?? { kind: 'absent' })
  }

  watch(id: string, onChange: (found: Fetched) => void): () => void {
    this.#refuseStopped('watch results')
    return this.#watches.add(id, onChange)
  }

  async forget(ids: readonly string[]): Promise<void> {
    this.#refuseStopped('forget results')
    if (ids.length > 0) await this.#store.write(forgetting, ids)
  }

  #refuseStopped(what: string): void {
    if (this.#isStopped) throw new Closed(`Cannot ${what} in ${this.store}: this result backend was closed.`)
  }
}

const keeping: WriteKind<readonly StoredRecord[], void> = {
  name: 'store results',
  weight: (records) => records.length,
  run(transaction, items) {
    storeRecords(transaction, items.flat())
    return items.map(() => undefined)
  },
}

const forgetting: WriteKind<readonly string[], void> = {
  name: 'forget results',
  weight: (ids) => ids.length,
  run(transaction, items) {
    forgetResults(transaction, items.flat())
    return items.map(() => undefined)
  },
}
