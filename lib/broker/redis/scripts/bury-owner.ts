import { defineScript } from '../../../driver/redis/redis-script.ts'

/**
 * Declares an owner dead whose lease still ends when it was seen to: from then on it can neither claim nor renew. One that is dead and has
 * no claims any more is forgotten. False when it has shown a sign of life.
 */
export const buryOwner = defineScript({
  name: 'bury-owner',
  keys: ['owners', 'owner', 'claims'],
  args: ['id', 'deadline'],
  reply: (raw) => raw === 1,
  lua: `
    if redis.call('ZSCORE', owners, id) ~= deadline then return 0 end
    redis.call('DEL', owner)
    if redis.call('HLEN', claims) == 0 then redis.call('ZREM', owners, id)
    else redis.call('ZADD', owners, 'XX', 0, id) end
    return 1`,
})
