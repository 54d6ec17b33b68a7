import { defineScript } from '../../../driver/redis/redis-script.ts'

/** An owner whose lease has ended. */
export interface LapsedOwner {
  readonly id: string
  /** As the server keeps it; `0` for one that was declared dead. */
  readonly deadline: string
  /** Undefined for one that was declared dead. */
  readonly record: string | undefined
}

/** Owners whose leases have ended by the server's clock. Keys of their records are made from `ownerPrefix`. */
export const findLapsed = defineScript({
  name: 'find-lapsed',
  keys: ['owners'],
  args: ['ownerPrefix', 'limit'],
  repeat: true,
  reply: (raw): LapsedOwner[] =>
    (raw as [string, string, string | null][]).map(([id, deadline, record]) => ({
      id,
      deadline,
      record: record ?? undefined,
    })),
  lua: `
    local time, lapsed = redis.call('TIME'), {}
    local now = time[1] * 1000 + math.floor(time[2] / 1000)
    local found = redis.call('ZRANGEBYSCORE', owners, '-inf', now, 'WITHSCORES', 'LIMIT', 0, limit)
    for i = 1, #found, 2 do
      lapsed[#lapsed + 1] = { found[i], found[i + 1], redis.call('GET', ownerPrefix .. found[i]) }
    end
    return lapsed`,
})
