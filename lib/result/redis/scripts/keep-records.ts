import { defineScript } from '../../../driver/redis/redis-script.ts'

/** Values of one record among the arguments of a script that keeps records. */
export const valuesPerRecord = 8

/**
 * Lua functions that a script begins with which keeps records: `keepRecord(values, from, sidePrefix)`, with the eight values that
 * `recordValues` makes. A final record stays; anything else is replaced. The first write grows memory, so a full server refuses it.
 */
export const keepRecordLua = /* lua */ `
  local finals = { SUCCESS = true, FAILURE = true, REVOKED = true }
  -- Of a document in JSON or MessagePack whose status comes first; 167 stands before a text of seven bytes, as the final states are.
  local function finalStatus(document)
    local head = string.sub(document, 1, 64)
    return string.match(head, '^{%s*"status"%s*:%s*"(%u+)"') or string.match(head, '^[^%a]+\\166status\\167(%u%u%u%u%u%u%u)')
  end
  local function keepRecord(values, from, sidePrefix)
    local key, document, expiresAt, id = values[from], values[from + 1], values[from + 2], values[from + 3]
    local trace, traceUntil, state, contentType = values[from + 4], values[from + 5], values[from + 6], values[from + 7]
    local known = redis.pcall('GET', key)
    if type(known) == 'string' then
      local status = finalStatus(known)
      if not status then
        local side = redis.call('GET', sidePrefix .. id)
        status = side and string.match(side, '^(%u+) ')
      end
      if finals[status] then return 0 end
    end
    if expiresAt == '' then
      redis.call('SET', key, document)
    else
      redis.call('SET', key, document, 'PXAT', expiresAt)
      redis.call('HSET', trace, id, state)
      redis.call('PEXPIREAT', trace, traceUntil)
    end
    if contentType ~= '' then
      redis.call('SET', sidePrefix .. id, state .. ' ' .. contentType)
      if expiresAt ~= '' then redis.call('PEXPIREAT', sidePrefix .. id, expiresAt) end
    end
    redis.call('PUBLISH', key, document)
    return 1
  end`

/** Keeps records and publishes each on the channel of its key. */
export const keepRecords = defineScript({
  name: 'store results',
  keys: [],
  args: ['sidePrefix'],
  rest: { args: 'values' },
  // A final record is not replaced by its own repetition.
  repeat: true,
  reply: (raw) => raw as number,
  lua: /* lua */ `
    ${keepRecordLua}
    local kept = 0
    for from = 1, #values, ${valuesPerRecord} do kept = kept + keepRecord(values, from, sidePrefix) end
    return kept`,
})
