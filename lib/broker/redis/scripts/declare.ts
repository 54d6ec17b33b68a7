import { defineScript } from '../../../driver/redis/redis-script.ts'
import { deedsLua } from './deeds.ts'

/** Notes queues, exchanges and bindings. Works on a full server too: workers must be able to start and drain it. Arguments that follow: `deedArgs`. */
export const declare = defineScript({
  name: 'declare',
  keys: ['queues'],
  args: [],
  flags: ['allow-oom'],
  repeat: true,
  reply: () => undefined,
  lua: `${deedsLua}
    -- Removes nothing: after a first write that frees memory, a full server lets the others through.
    redis.call('SREM', queues, '')
    act(1, true)
    return 1`,
})
