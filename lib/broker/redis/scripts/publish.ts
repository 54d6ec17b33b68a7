import { defineScript } from '../../../driver/redis/redis-script.ts'
import { deedsLua } from './deeds.ts'

/**
 * Stores the messages of one flush, all or none. A marker tells a repeat after a lost reply; it is the first write, and grows memory, so that
 * a full server refuses the whole. Arguments that follow: `listArgs`, `deedArgs`.
 */
export const publish = defineScript({
  name: 'publish',
  keys: ['marker'],
  args: ['keepSeconds'],
  repeat: true,
  reply: () => undefined,
  lua: `${deedsLua}
    local p = check(2)
    if redis.call('SET', marker, '1', 'NX', 'EX', keepSeconds) then act(p, true) end
    return 1`,
})
