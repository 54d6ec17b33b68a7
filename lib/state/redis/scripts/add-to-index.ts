import { defineScript } from '../../../driver/redis/redis-script.ts'

/** Adds or moves members, given as score and member in turn, and sets the end of the whole, or that it has none. */
export const addToIndex = defineScript({
  name: 'add to an index',
  keys: ['index'],
  args: ['ttlMs'],
  rest: { args: 'entries' },
  repeat: true,
  reply: () => undefined,
  lua: /* lua */ `
    for i = 1, #entries, 2 do redis.call('ZADD', index, entries[i], entries[i + 1]) end
    if ttlMs == '' then redis.call('PERSIST', index) else redis.call('PEXPIRE', index, ttlMs) end`,
})
