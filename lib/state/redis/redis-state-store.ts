import type { Clock } from '../../base/clock.ts'
import { Closed } from '../../base/errors.ts'
import type { RedisEndpoint } from '../../driver/redis/redis-endpoint.ts'
import { openRedisServer, type RedisServer } from '../../driver/redis/redis-server.ts'
import { decideRate } from '../gcra.ts'
import type { Expiry, IndexEntry, Rate, StateStore } from '../state-store.ts'
import { addToIndex } from './scripts/add-to-index.ts'
import { takePlace } from './scripts/take-place.ts'
import { takeRate } from './scripts/take-rate.ts'
import { compareAndSet, putIfAbsent } from './scripts/values.ts'

export interface RedisStateStoreOptions {
  readonly endpoint: RedisEndpoint
  readonly clock: Clock
  /** In front of every key; the option `globalKeyprefix`. @default none */
  readonly keyPrefix?: string | undefined
  /** The longest that anything may take, ms. @default 10_000 */
  readonly timeoutMs?: number | undefined
}

/** Members in one command: more would hold up the server. */
const membersAtOnce = 1_000

/**
 * State in Redis, for all that share a database. Times are counted by the server's clock.
 *
 * | key | type | content |
 * | --- | --- | --- |
 * | `umbel-state-value:<key>` | string | a value |
 * | `umbel-state-rate:<key>` | string | when the whole burst is free again, ms since the epoch |
 * | `umbel-state-places:<key>` | sorted set | holders by when their place is free again |
 * | `umbel-state-index:<name>` | sorted set | members by score |
 */
export class RedisStateStore implements StateStore {
  readonly #server: RedisServer
  readonly #prefix: string
  #isStopped = false

  constructor({ endpoint, clock, keyPrefix = '', timeoutMs }: RedisStateStoreOptions) {
    this.#server = openRedisServer({ endpoint, clock, timeoutMs })
    this.#prefix = `${keyPrefix}umbel-state-`
  }

  /** @throws {BrokerUnavailable, StoreUnusable, NoDriver} when there is no connection in time */
  async start(): Promise<void> {
    this.#refuseStopped()
    await this.#server.open()
  }

  async stop(): Promise<void> {
    if (this.#isStopped) return
    this.#isStopped = true
    await this.#server.release()
  }

  async get(key: string): Promise<string | undefined> {
    this.#refuseStopped()
    const options = { reads: true, what: 'read state' }
    return ((await this.#server.command('GET', [this.#key('value', key)], options)) as string | null) ?? undefined
  }

  async putIfAbsent(key: string, value: string, options?: Expiry): Promise<{ stored: boolean; value: string }> {
    this.#refuseStopped()
    return putIfAbsent.run(this.#server, { key: this.#key('value', key) }, { value, ttlMs: ttlOf(options) })
  }

  async compareAndSet(
    key: string,
    change: { expected: string | undefined; value: string | undefined } & Expiry,
  ): Promise<boolean> {
    this.#refuseStopped()
    const { expected, value } = change
    return compareAndSet.run(
      this.#server,
      { key: this.#key('value', key) },
      {
        hasExpected: expected === undefined ? 0 : 1,
        expected: expected ?? '',
        hasValue: value === undefined ? 0 : 1,
        value: value ?? '',
        ttlMs: ttlOf(change),
      },
    )
  }

  async takeRate(
    key: string,
    rate: Rate & { cost?: number | undefined },
  ): Promise<{ allowed: boolean; retryAfterMs: number }> {
    this.#refuseStopped()
    decideRate(undefined, 0, rate) // refuses what makes no sense
    const { limit, periodMs, burst = limit, cost = 1 } = rate
    return takeRate.run(this.#server, { key: this.#key('rate', key) }, { limit, periodMs, burst, cost })
  }

  async takePlace(key: string, holder: string, places: { limit: number; ttlMs: number }): Promise<boolean> {
    this.#refuseStopped()
    const args = { holder, limit: places.limit, ttlMs: Math.max(1, Math.round(places.ttlMs)) }
    return takePlace.run(this.#server, { holders: this.#key('places', key) }, args)
  }

  async releasePlace(key: string, holder: string): Promise<void> {
    this.#refuseStopped()
    await this.#server.command('ZREM', [this.#key('places', key), holder], { repeat: true, what: 'free a place' })
  }

  async indexAdd(name: string, entries: readonly IndexEntry[], options?: Expiry): Promise<void> {
    this.#refuseStopped()
    const restArgs = entries.flatMap(({ member, score }) => [scoreText(score), member])
    await addToIndex.run(this.#server, { index: this.#key('index', name) }, { ttlMs: ttlOf(options) }, { restArgs })
  }

  async indexRemove(name: string, members: readonly string[]): Promise<number> {
    this.#refuseStopped()
    let removed = 0
    for (let from = 0; from < members.length; from += membersAtOnce) {
      const args = [this.#key('index', name), ...members.slice(from, from + membersAtOnce)]
      removed += Number(await this.#server.command('ZREM', args, { what: 'remove from an index' }))
    }
    return removed
  }

  async indexRange(
    name: string,
    range: { from?: number | undefined; to?: number | undefined; limit?: number | undefined },
  ): Promise<IndexEntry[]> {
    this.#refuseStopped()
    const { from = -Infinity, to = Infinity, limit } = range
    const reply = (await this.#server.command(
      'ZRANGEBYSCORE',
      [
        this.#key('index', name),
        scoreText(from),
        scoreText(to),
        'WITHSCORES',
        ...(limit === undefined || limit === Infinity ? [] : ['LIMIT', 0, limit]),
      ],
      { reads: true, what: 'read an index' },
    )) as string[]
    return pairsOf(reply)
  }

  #key(kind: 'value' | 'rate' | 'places' | 'index', name: string): string {
    return `${this.#prefix}${kind}:${name}`
  }

  #refuseStopped(): void {
    if (this.#isStopped) throw new Closed(`Cannot use the state store ${this.#server.name}: it was closed.`)
  }
}

function ttlOf({ ttlMs }: Expiry = {}): string {
  // Redis refuses 0, and what should have ended already ends at once.
  return ttlMs === undefined || ttlMs === Infinity ? '' : String(Math.max(1, Math.round(ttlMs)))
}

function scoreText(score: number): string {
  if (Number.isFinite(score)) return String(score)
  return score > 0 ? '+inf' : '-inf'
}

/** Member and score in turn, as the server writes them. */
function pairsOf(reply: readonly string[]): IndexEntry[] {
  const entries: IndexEntry[] = []
  for (let i = 0; i + 1 < reply.length; i += 2) entries.push({ member: reply[i]!, score: numberOf(reply[i + 1]!) })
  return entries
}

function numberOf(text: string): number {
  if (text === 'inf') return Infinity
  return text === '-inf' ? -Infinity : Number(text)
}
