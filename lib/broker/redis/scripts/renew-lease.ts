import { defineScript } from '../../../driver/redis/redis-script.ts'

/**
 * Extends an owner's lease, and tells kombu that its claims are not abandoned. False when the owner is not known, or was declared dead.
 * Works on a full server too.
 */
export const renewLease = defineScript({
  name: 'renew-lease',
  keys: ['owners', 'claims', 'unackedIndex'],
  args: ['id', 'leaseMs'],
  flags: ['allow-oom'],
  repeat: true,
  reply: (raw) => raw === 1,
  lua: `
    local deadline = redis.call('ZSCORE', owners, id)
    if not deadline or tonumber(deadline) == 0 then return 0 end
    -- Removes nothing: after a first write that frees memory, a full server lets the others through.
    redis.call('ZREM', owners, '')
    local time = redis.call('TIME')
    redis.call('ZADD', owners, 'XX', time[1] * 1000 + math.floor(time[2] / 1000) + leaseMs, id)
    local scores = {}
    for _, key in ipairs(redis.call('HKEYS', claims)) do
      scores[#scores + 1], scores[#scores + 2] = time[1], key
      if #scores >= 2000 then
        redis.call('ZADD', unackedIndex, 'XX', unpack(scores))
        scores = {}
      end
    end
    if #scores > 0 then redis.call('ZADD', unackedIndex, 'XX', unpack(scores)) end
    return 1`,
})
