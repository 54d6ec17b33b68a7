import { defineScript } from '../../../driver/redis/redis-script.ts'

/** Makes an owner known under a record, or known again under another; true when it was known before. Works on a full server too. */
export const registerOwner = defineScript({
  name: 'register-owner',
  keys: ['owner', 'owners'],
  args: ['id', 'record', 'leaseMs'],
  flags: ['allow-oom'],
  repeat: true,
  reply: (raw) => raw === 1,
  lua: `
    -- Removes nothing: after a first write that frees memory, a full server lets the others through.
    redis.call('ZREM', owners, '')
    local wasKnown, time = redis.call('EXISTS', owner), redis.call('TIME')
    redis.call('SET', owner, record)
    redis.call('ZADD', owners, time[1] * 1000 + math.floor(time[2] / 1000) + leaseMs, id)
    return wasKnown`,
})
