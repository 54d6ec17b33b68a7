import { defineScript } from '../../../driver/redis/redis-script.ts'

/** Removes what waits in one list, and up to `limit` of what is parked for it; how many. Again and again until there is nothing. */
export const purge = defineScript({
  name: 'purge',
  keys: ['unacked', 'unackedIndex', 'due', 'list', 'dueOf'],
  args: ['limit'],
  reply: (raw) => raw as number,
  lua: `
    local count = redis.call('LLEN', list)
    redis.call('UNLINK', list)
    local keys = {}
    for i, member in ipairs(redis.call('ZRANGE', dueOf, 0, limit - 1)) do
      keys[i] = string.match(member, '^.%d+:(.*)$')
      redis.call('ZREM', dueOf, member)
    end
    if #keys > 0 then
      count = count + redis.call('ZREM', unackedIndex, unpack(keys))
      redis.call('HDEL', unacked, unpack(keys))
    end
    if redis.call('EXISTS', dueOf) == 0 then redis.call('ZREM', due, list) end
    return count`,
})
