import { systemClock } from '../../base/clock.ts'
import type { RedisEndpoint } from '../../driver/redis/redis-endpoint.ts'
import { openRedisServer } from '../../driver/redis/redis-server.ts'
import type { LeaseModule, LeaseThreadPart } from '../broker.ts'
import { RedisKeys, type RedisLayout } from './redis-keys.ts'
import { renewLease } from './scripts/renew-lease.ts'

/** What the lease thread needs to know; survives `structuredClone`. */
export interface RedisLeaseData {
  readonly endpoint: RedisEndpoint
  readonly layout: RedisLayout
  readonly owner: string
  readonly leaseMs: number
}

/** How a consumer's lease is to be renewed. */
export function redisLease(data: RedisLeaseData): LeaseModule {
  // Beside this file, in source and built alike: it is this file.
  return { url: import.meta.url, data, renewEveryMs: Math.min(3_000, data.leaseMs * 0.3) }
}

/** Renews the lease of one owner's claims, all at once, over a connection of its own. */
export function openLease(data: unknown): LeaseThreadPart {
  const { endpoint, layout, owner, leaseMs } = data as RedisLeaseData
  const keys = new RedisKeys(layout)
  // A renewal that takes longer is given up for another one.
  const timeoutMs = Math.min(5_000, leaseMs)
  const server = openRedisServer({ endpoint, clock: systemClock, timeoutMs, clientName: 'umbel:lease' })
  return {
    renew: () =>
      renewLease.run(
        server,
        { owners: keys.owners, claims: keys.claims(owner), unackedIndex: keys.unackedIndex },
        { id: owner, leaseMs },
        { what: 'renew the lease' },
      ),
    close: () => server.release(),
  }
}
