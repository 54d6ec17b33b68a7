import type { RedisValue } from '../../../driver/redis/redis-commands.ts'
import { defineScript } from '../../../driver/redis/redis-script.ts'

/** An entry of `unacked` that nobody keeps alive, and where it goes. */
export interface AbandonedEntry {
  readonly key: string
  /** As it was seen in the index. */
  readonly score: string
  /** To the front of these lists as this text; or among the dead letters, with what is known about it. */
  readonly to:
    | { readonly lists: readonly string[]; readonly text: string }
    | { readonly deadOf: string; readonly about: string }
}

/** The arguments after the named ones. */
export function restoreArgs(entries: readonly AbandonedEntry[]): RedisValue[] {
  return entries.flatMap(({ key, score, to }) =>
    'lists' in to
      ? [key, score, 'ready', to.text, to.lists.length, ...to.lists]
      : [key, score, 'dead', to.about, 1, to.deadOf],
  )
}

/** Moves entries whose score is still the one that was seen; how many. The first write frees memory. */
export const restoreEntries = defineScript({
  name: 'restore-entries',
  keys: ['unacked', 'unackedIndex', 'dead', 'deadLast'],
  args: ['letterPrefix'],
  reply: (raw) => raw as number,
  lua: `
    local p, count, time = 2, 0, redis.call('TIME')
    while p <= #ARGV do
      local key, last = ARGV[p], p + 4 + ARGV[p + 4]
      if redis.call('ZSCORE', unackedIndex, key) == ARGV[p + 1] then
        local entry = redis.call('HGET', unacked, key)
        redis.call('ZREM', unackedIndex, key)
        redis.call('HDEL', unacked, key)
        count = count + 1
        if ARGV[p + 2] == 'ready' then
          for i = p + 5, last do redis.call('RPUSH', ARGV[i], ARGV[p + 3]) end
        elseif entry then
          local id, since = redis.call('INCR', deadLast), time[1] * 1000 + math.floor(time[2] / 1000)
          redis.call('HSET', letterPrefix .. id, 'about', ARGV[p + 3], 'raw', entry, 'since', string.format('%.0f', since))
          redis.call('ZADD', dead, id, id)
          redis.call('ZADD', ARGV[p + 5], id, id)
        end
      end
      p = last + 1
    end
    return count`,
})
