import type { Clock } from '../../base/clock.ts'
import { Closed } from '../../base/errors.ts'
import type { RedisEndpoint } from '../../driver/redis/redis-endpoint.ts'
import { openRedisServer, type RedisServer } from '../../driver/redis/redis-server.ts'
import type { Fetched, ResultBackend, ResultBackendCapabilities } from '../result-backend.ts'
import type { StoredRecord } from '../result-record.ts'
import { RedisResultWatches } from './redis-result-watches.ts'
import { bucket, ResultKeys } from './result-keys.ts'
import { fetchedOf, portionsOf, readingValues, recordValues, today } from './result-rows.ts'
import { forgetResults } from './scripts/forget-results.ts'
import { keepRecords } from './scripts/keep-records.ts'
import { type RawResult, readResults } from './scripts/read-results.ts'

export interface RedisResultBackendOptions {
  readonly endpoint: RedisEndpoint
  readonly clock: Clock
  /** Celery's `global_keyprefix`. @default none */
  readonly keyPrefix?: string | undefined
  /** The longest that anything may take, ms. @default 10_000 */
  readonly timeoutMs?: number | undefined
}

/** Clocks that are this close are taken for one: an expiry that is read back is the one that was given. */
const equalClocksMs = 1_000

/** Records in Redis, as Celery keeps them: a Python client reads them, and its workers' are read here. */
export class RedisResultBackend implements ResultBackend {
  readonly capabilities: ResultBackendCapabilities = { keepsResults: true, sharedByProcesses: true }
  readonly store: string
  readonly keys: ResultKeys
  readonly #server: RedisServer
  readonly #watches: RedisResultWatches
  #isStopped = false

  constructor({ endpoint, clock, keyPrefix, timeoutMs }: RedisResultBackendOptions) {
    this.#server = openRedisServer({ endpoint, clock, timeoutMs })
    this.store = this.#server.name
    this.keys = new ResultKeys(keyPrefix)
    this.#watches = new RedisResultWatches(this.#server, this.keys, (ids) => this.#read(ids))
  }

  /** @throws {BrokerUnavailable, StoreUnusable, NoDriver} when there is no connection in time */
  async start(): Promise<void> {
    this.#refuseStopped('start')
    await this.#server.open()
  }

  async stop(): Promise<void> {
    if (this.#isStopped) return
    this.#isStopped = true
    this.#watches.close()
    await this.#server.release()
  }

  async keep(records: readonly StoredRecord[]): Promise<void> {
    this.#refuseStopped('store results')
    if (records.length === 0) return
    const skewMs = clockSkew(this.#server)
    const restArgs = records.flatMap((record) => recordValues(this.keys, record, skewMs))
    await keepRecords.run(this.#server, {}, { sidePrefix: this.keys.sidePrefix }, { restArgs })
  }

  async fetch(ids: readonly string[]): Promise<Fetched[]> {
    this.#refuseStopped('read results')
    return this.#read(ids)
  }

  watch(id: string, onChange: (found: Fetched) => void): () => void {
    this.#refuseStopped('watch results')
    return this.#watches.add(id, onChange)
  }

  async forget(ids: readonly string[]): Promise<void> {
    this.#refuseStopped('forget results')
    const { sidePrefix, tracePrefix } = this.keys
    const args = { sidePrefix, tracePrefix, ...today(this.#server.serverNow()) }
    for (const portion of portionsOf(ids)) {
      const restArgs = portion.flatMap((id) => [this.keys.document(id), id, bucket(id)])
      await forgetResults.run(this.#server, {}, args, { restArgs })
    }
  }

  async #read(ids: readonly string[]): Promise<Fetched[]> {
    const skewMs = clockSkew(this.#server)
    const now = this.#server.serverNow()
    const calls = portionsOf(ids).map((portion) =>
      readResults.call(
        {},
        { sidePrefix: this.keys.sidePrefix },
        {
          restArgs: portion.flatMap((id) => readingValues(this.keys, id, now)),
        },
      ),
    )
    const replies = calls.length === 0 ? [] : await this.#server.pipeline(calls, { buffers: true, reads: true })
    const found = replies.flatMap((reply) => {
      if (reply instanceof Error) throw reply
      return reply as RawResult[]
    })
    return ids.map((id, index) => fetchedOf(id, found[index] ?? null, skewMs))
  }

  #refuseStopped(what: string): void {
    if (this.#isStopped) throw new Closed(`Cannot ${what} in ${this.store}: this result backend was closed.`)
  }
}

/** What the server's clock is ahead of this process's, ms; 0 for clocks that are as good as equal. */
export function clockSkew(server: RedisServer): number {
  const skewMs = server.serverNow() - server.clock.now()
  return Math.abs(skewMs) < equalClocksMs ? 0 : Math.round(skewMs)
}
