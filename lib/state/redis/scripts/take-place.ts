import { defineScript } from '../../../driver/redis/redis-script.ts'

/** Takes one of some places, or renews it, by the server's clock. The key: holders, each by when its place is free again. */
export const takePlace = defineScript({
  name: 'take a place',
  keys: ['holders'],
  args: ['holder', 'limit', 'ttlMs'],
  // The same holder twice has one place.
  repeat: true,
  reply: (raw) => raw === 1,
  lua: /* lua */ `
    local time = redis.call('TIME')
    local now = time[1] * 1000 + math.floor(time[2] / 1000)
    redis.call('ZREMRANGEBYSCORE', holders, '-inf', now)
    if not redis.call('ZSCORE', holders, holder) and redis.call('ZCARD', holders) >= tonumber(limit) then return 0 end
    redis.call('ZADD', holders, now + ttlMs, holder)
    local last = redis.call('ZRANGE', holders, -1, -1, 'WITHSCORES')
    redis.call('PEXPIREAT', holders, string.format('%.0f', last[2] + 1))
    return 1`,
})
