import { defineScript } from '../../../driver/redis/redis-script.ts'

/** Of one id: a document with what stands beside it and when it expires (-1: never), the state of one that expired, or nothing. */
export type RawResult = readonly [document: Buffer, side: Buffer | null, expiresAt: number] | Buffer | null

/** Reads documents, and traces of those that are gone: for each id its key, itself, and the two keys where its trace may stand. */
export const readResults = defineScript({
  name: 'read results',
  keys: [],
  args: ['sidePrefix'],
  rest: { args: 'values' },
  buffers: true,
  reply: (raw) => raw as RawResult[],
  lua: /* lua */ `
    local found = {}
    for from = 1, #values, 4 do
      local key, id = values[from], values[from + 1]
      local document = redis.pcall('GET', key)
      if type(document) == 'string' then
        -- Exact from Redis 7.0 on.
        local expiresAt = redis.pcall('PEXPIRETIME', key)
        if type(expiresAt) == 'table' then
          local time = redis.call('TIME')
          local left = redis.call('PTTL', key)
          expiresAt = left < 0 and -1 or time[1] * 1000 + math.floor(time[2] / 1000) + left
        end
        found[#found + 1] = { document, redis.call('GET', sidePrefix .. id), expiresAt }
      else
        found[#found + 1] = redis.call('HGET', values[from + 2], id) or redis.call('HGET', values[from + 3], id)
      end
    end
    return found`,
})
