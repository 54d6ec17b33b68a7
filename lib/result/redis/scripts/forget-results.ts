import { defineScript } from '../../../driver/redis/redis-script.ts'

/** Removes documents and their traces: for each id its key, itself, and the bucket of its trace. */
export const forgetResults = defineScript({
  name: 'forget results',
  keys: [],
  args: ['sidePrefix', 'tracePrefix', 'today', 'dayMs'],
  rest: { args: 'values' },
  repeat: true,
  reply: () => undefined,
  lua: /* lua */ `
    local days = { today, today - 1 }
    for from = 1, #values, 3 do
      local key, id, bucket = values[from], values[from + 1], values[from + 2]
      local left = redis.call('PTTL', key)
      redis.call('DEL', key, sidePrefix .. id)
      for _, day in ipairs(days) do redis.call('HDEL', tracePrefix .. day .. '-' .. bucket, id) end
      if left > 0 then
        local time = redis.call('TIME')
        local expiresOn = math.floor((time[1] * 1000 + time[2] / 1000 + left) / dayMs)
        redis.call('HDEL', tracePrefix .. expiresOn .. '-' .. bucket, id)
      end
    end`,
})
