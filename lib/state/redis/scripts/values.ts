import { defineScript } from '../../../driver/redis/redis-script.ts'

/** Stores a value unless there is one. Its end in ms, or nothing for none. */
export const putIfAbsent = defineScript({
  name: 'put a value',
  keys: ['key'],
  args: ['value', 'ttlMs'],
  reply: (raw) => {
    const [stored, value] = raw as [number, string]
    return { stored: stored === 1, value }
  },
  lua: /* lua */ `
    local known = redis.call('GET', key)
    if known then return { 0, known } end
    if ttlMs == '' then redis.call('SET', key, value) else redis.call('SET', key, value, 'PX', ttlMs) end
    return { 1, value }`,
})

/** Replaces a value by another, or by nothing; `hasExpected` and `hasValue` are 1 where there is one. */
export const compareAndSet = defineScript({
  name: 'replace a value',
  keys: ['key'],
  args: ['hasExpected', 'expected', 'hasValue', 'value', 'ttlMs'],
  reply: (raw) => raw === 1,
  lua: /* lua */ `
    local known = redis.call('GET', key)
    if hasExpected == '1' and known ~= expected or hasExpected == '0' and known then return 0 end
    if hasValue == '0' then redis.call('DEL', key)
    elseif ttlMs == '' then redis.call('SET', key, value)
    else redis.call('SET', key, value, 'PX', ttlMs) end
    return 1`,
})
