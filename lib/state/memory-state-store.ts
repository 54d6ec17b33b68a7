import type { Clock } from '../base/clock.ts'
import { Closed } from '../base/errors.ts'
import { decideRate } from './gcra.ts'
import type { Expiry, IndexEntry, Rate, StateStore } from './state-store.ts'

interface Expiring {
  readonly expiresAt: number
}
interface OrderedIndex extends Expiring {
  readonly scores: Map<string, number>
  /** The entries in order; made again after a change. */
  sorted: IndexEntry[] | undefined
}

/** What expired is removed when it is asked for, and all of it after this many writes. */
const sweepEvery = 1000

/** State in this process alone; for tests and for one process. */
export class MemoryStateStore implements StateStore {
  readonly #clock: Clock
  readonly #values = new Map<string, Expiring & { readonly value: string }>()
  readonly #rates = new Map<string, Expiring>()
  readonly #places = new Map<string, Map<string, Expiring>>()
  readonly #indexes = new Map<string, OrderedIndex>()
  #writes = 0
  #isStopped = false

  constructor(options: { clock: Clock }) {
    this.#clock = options.clock
  }

  async start(): Promise<void> {
    this.#refuseStopped()
  }

  async stop(): Promise<void> {
    this.#isStopped = true
  }

  async get(key: string): Promise<string | undefined> {
    this.#refuseStopped()
    return this.#live(this.#values, key)?.value
  }

  async putIfAbsent(key: string, value: string, options?: Expiry): Promise<{ stored: boolean; value: string }> {
    this.#beginWrite()
    const known = this.#live(this.#values, key)
    if (known !== undefined) return { stored: false, value: known.value }
    this.#values.set(key, { value, expiresAt: this.#endOf(options) })
    return { stored: true, value }
  }

  async compareAndSet(
    key: string,
    change: { expected: string | undefined; value: string | undefined } & Expiry,
  ): Promise<boolean> {
    this.#beginWrite()
    if (this.#live(this.#values, key)?.value !== change.expected) return false
    if (change.value === undefined) this.#values.delete(key)
    else this.#values.set(key, { value: change.value, expiresAt: this.#endOf(change) })
    return true
  }

  async takeRate(
    key: string,
    rate: Rate & { cost?: number | undefined },
  ): Promise<{ allowed: boolean; retryAfterMs: number }> {
    this.#beginWrite()
    const { allowed, retryAfterMs, fullAt } = decideRate(this.#rates.get(key)?.expiresAt, this.#clock.now(), rate)
    if (allowed) this.#rates.set(key, { expiresAt: fullAt })
    return { allowed, retryAfterMs }
  }

  async takePlace(key: string, holder: string, places: { limit: number; ttlMs: number }): Promise<boolean> {
    this.#beginWrite()
    const holders = this.#places.get(key) ?? new Map<string, Expiring>()
    this.#removeExpired(holders)
    if (!holders.has(holder) && holders.size >= places.limit) return false
    holders.set(holder, { expiresAt: this.#endOf(places) })
    this.#places.set(key, holders)
    return true
  }

  async releasePlace(key: string, holder: string): Promise<void> {
    this.#beginWrite()
    const holders = this.#places.get(key)
    holders?.delete(holder)
    if (holders?.size === 0) this.#places.delete(key)
  }

  async indexAdd(name: string, entries: readonly IndexEntry[], options?: Expiry): Promise<void> {
    this.#beginWrite()
    const scores = this.#live(this.#indexes, name)?.scores ?? new Map<string, number>()
    for (const { member, score } of entries) scores.set(member, score)
    this.#indexes.set(name, { scores, sorted: undefined, expiresAt: this.#endOf(options) })
  }

  async indexRemove(name: string, members: readonly string[]): Promise<number> {
    this.#beginWrite()
    const index = this.#live(this.#indexes, name)
    if (index === undefined) return 0
    index.sorted = undefined
    return members.filter((member) => index.scores.delete(member)).length
  }

  async indexRange(
    name: string,
    range: { from?: number | undefined; to?: number | undefined; limit?: number | undefined },
  ): Promise<IndexEntry[]> {
    this.#refuseStopped()
    const index = this.#live(this.#indexes, name)
    if (index === undefined) return []
    index.sorted ??= [...index.scores].map(([member, score]) => ({ member, score })).sort(byScore)
    const { from = -Infinity, to = Infinity, limit = Infinity } = range
    return index.sorted.filter(({ score }) => score >= from && score <= to).slice(0, limit)
  }

  #live<T extends Expiring>(map: Map<string, T>, key: string): T | undefined {
    const found = map.get(key)
    if (found === undefined || found.expiresAt > this.#clock.now()) return found
    map.delete(key)
    return undefined
  }

  #endOf({ ttlMs }: Expiry = {}): number {
    return ttlMs === undefined ? Infinity : this.#clock.now() + ttlMs
  }

  #beginWrite(): void {
    this.#refuseStopped()
    if (++this.#writes % sweepEvery !== 0) return
    for (const map of [this.#values, this.#rates, this.#indexes, ...this.#places.values()]) this.#removeExpired(map)
    for (const [key, holders] of this.#places) if (holders.size === 0) this.#places.delete(key)
  }

  #removeExpired(map: Map<string, Expiring>): void {
    const now = this.#clock.now()
    for (const [key, { expiresAt }] of map) if (expiresAt <= now) map.delete(key)
  }

  #refuseStopped(): void {
    if (this.#isStopped) throw new Closed('Cannot use the state store in memory: it was closed.')
  }
}

/** By code units, as SQLite compares ASCII text; members beyond that may come in another order there. */
function byScore(a: IndexEntry, b: IndexEntry): number {
  return a.score - b.score || (a.member < b.member ? -1 : a.member > b.member ? 1 : 0)
}
