import { defineScript } from '../../../driver/redis/redis-script.ts'

/** Notes at a claim that its message runs alone. Works on a full server too. */
export const markAlone = defineScript({
  name: 'mark-alone',
  keys: ['claims'],
  args: ['key', 'side', 'marked'],
  flags: ['allow-oom'],
  repeat: true,
  reply: () => undefined,
  lua: `
    if redis.call('HGET', claims, key) ~= side then return 0 end
    -- Removed first: after a first write that frees memory, a full server lets the others through.
    redis.call('HDEL', claims, key)
    redis.call('HSET', claims, key, marked)
    return 1`,
})
