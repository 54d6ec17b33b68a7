import { defineScript } from '../../../driver/redis/redis-script.ts'

export interface Promoted {
  /** How many became ready. */
  readonly count: number
  /** The earliest due time of what is left, ms since the epoch. */
  readonly nextDueMs: number | undefined
}

/**
 * Moves parked messages whose time has come to their lists: the front for those given back, the end for others. Entries that kombu has
 * restored meanwhile are passed over. Keys of a list's due times are made from `duePrefix`.
 */
export const promoteDue = defineScript({
  name: 'promote-due',
  keys: ['unacked', 'unackedIndex', 'due'],
  args: ['duePrefix', 'limit'],
  reply: (raw): Promoted => {
    const [count, nextDue] = raw as [number, string | null]
    return { count, nextDueMs: nextDue === null ? undefined : Number(nextDue) }
  },
  lua: `
    local time, left = redis.call('TIME'), tonumber(limit)
    local now, count = time[1] * 1000 + math.floor(time[2] / 1000), 0
    local function release(list, member)
      local place, tail, key = string.match(member, '^(.)(%d+):(.*)$')
      local entry = redis.call('HGET', unacked, key)
      if redis.call('ZREM', unackedIndex, key) == 0 or not entry then return end
      redis.call('HDEL', unacked, key)
      redis.call(place == '>' and 'RPUSH' or 'LPUSH', list, string.sub(entry, 2, -1 - tail))
      count = count + 1
    end
    for _, list in ipairs(redis.call('ZRANGEBYSCORE', due, '-inf', now, 'LIMIT', 0, 50)) do
      local ready = redis.call('ZRANGEBYSCORE', duePrefix .. list, '-inf', now, 'LIMIT', 0, left)
      if #ready > 0 then redis.call('ZREM', duePrefix .. list, unpack(ready)) end
      for _, member in ipairs(ready) do if string.byte(member, 1) == 60 then release(list, member) end end
      -- Last to the front what is to be first there.
      for i = #ready, 1, -1 do if string.byte(ready[i], 1) == 62 then release(list, ready[i]) end end
      local rest = redis.call('ZRANGE', duePrefix .. list, 0, 0, 'WITHSCORES')
      if #rest == 0 then redis.call('ZREM', due, list) else redis.call('ZADD', due, rest[2], list) end
      left = left - #ready
      if left <= 0 then break end
    end
    return { count, redis.call('ZRANGE', due, 0, 0, 'WITHSCORES')[2] or false }`,
})
