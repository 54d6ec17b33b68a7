import { defineScript } from '../../../driver/redis/redis-script.ts'

/**
 * Asks a rate limit by the server's clock; what `decideRate` does, in Lua. The key holds when the whole burst is free again, and ends
 * then: without it, it is free.
 */
export const takeRate = defineScript({
  name: 'ask a rate limit',
  keys: ['key'],
  args: ['limit', 'periodMs', 'burst', 'cost'],
  reply: (raw) => {
    const [allowed, retryAfterMs] = raw as [number, number]
    return { allowed: allowed === 1, retryAfterMs }
  },
  lua: /* lua */ `
    local time = redis.call('TIME')
    local now = time[1] * 1000 + time[2] / 1000
    local unit = periodMs / limit
    local burstMs = unit * burst
    local fullAt = tonumber(redis.call('GET', key) or now)
    -- Never further ahead than a spent burst: a clock that was set back must not close the rate until it has caught up.
    local following = math.min(math.max(fullAt, now), now + burstMs) + unit * cost
    local wait = following - burstMs - now
    -- Sums of times of this size are exact to less than a microsecond, and no more.
    if wait > unit * 1e-9 + 0.001 then return { 0, math.ceil(wait) } end
    redis.call('SET', key, string.format('%.17g', following), 'PX', math.ceil(following - now) + 1)
    return { 1, 0 }`,
})
