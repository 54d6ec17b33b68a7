import type { Service } from '../base/service.ts'

/**
 * What a cluster must agree on: small values, counters of rate and concurrency, ordered indexes. Every operation is one atomic act;
 * times to live are counted by the store's clock.
 */
export interface StateStore extends Service {
  get(key: string): Promise<string | undefined>
  /** Stores the value unless there is one; either way says which stands now. */
  putIfAbsent(
    key: string,
    value: string,
    options?: Expiry,
  ): Promise<{ readonly stored: boolean; readonly value: string }>
  /** Replaces `expected` (undefined: absent) by `value` (undefined: remove); false when something else stands there. */
  compareAndSet(
    key: string,
    change: { expected: string | undefined; value: string | undefined } & Expiry,
  ): Promise<boolean>
  /**
   * Asks a rate limit for `cost` units, by GCRA: `limit` per `periodMs` on the average, at most `burst` at once.
   * Refused costs nothing.
   */
  takeRate(
    key: string,
    rate: Rate & { cost?: number | undefined },
  ): Promise<{ readonly allowed: boolean; readonly retryAfterMs: number }>
  /** Takes one of `limit` places for a holder until released or until `ttlMs` passes; renewing is taking again. */
  takePlace(key: string, holder: string, places: { limit: number; ttlMs: number }): Promise<boolean>
  releasePlace(key: string, holder: string): Promise<void>
  /** Members of an ordered index with scores; adding again moves. */
  indexAdd(index: string, entries: readonly IndexEntry[], options?: Expiry): Promise<void>
  indexRemove(index: string, members: readonly string[]): Promise<number>
  /** From the lowest score; ties by member. */
  indexRange(
    index: string,
    range: { from?: number | undefined; to?: number | undefined; limit?: number | undefined },
  ): Promise<IndexEntry[]>
}

export interface Expiry {
  /** Left out: for ever. */
  readonly ttlMs?: number | undefined
}
export interface Rate {
  readonly limit: number
  readonly periodMs: number
  /** @default limit */
  readonly burst?: number | undefined
}
export interface IndexEntry {
  readonly member: string
  readonly score: number
}
