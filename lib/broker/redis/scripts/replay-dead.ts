import { defineScript } from '../../../driver/redis/redis-script.ts'

/** Puts a dead letter at the end of its list, as this text; false when it is not there any more. The first write frees memory. */
export const replayDead = defineScript({
  name: 'replay-dead',
  keys: ['dead', 'deadOf', 'letter', 'list'],
  args: ['id', 'text'],
  reply: (raw) => raw === 1,
  lua: `
    redis.call('LLEN', list)
    if redis.call('ZREM', dead, id) == 0 then return 0 end
    redis.call('ZREM', deadOf, id)
    redis.call('DEL', letter)
    redis.call('LPUSH', list, text)
    return 1`,
})
