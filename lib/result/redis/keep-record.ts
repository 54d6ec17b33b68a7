/**
 * Lua: `keep(key, document, keepSeconds)` stores a result document as Celery does and publishes it on the channel of the same name, unless a
 * final one stands there; 0 seconds keep it for ever. True when it was stored. For scripts that have made their first write.
 */
export const keepRecordLua = `
  local finals = { SUCCESS = true, FAILURE = true, REVOKED = true }
  local function stateOf(document)
    -- Python and we write the state first; others' documents are read whole.
    local state = string.match(document, '^{"status": ?"([^"\\\\]*)"')
    if state then return state end
    for _, decode in ipairs({ cjson.decode, cmsgpack.unpack }) do
      local ok, value = pcall(decode, document)
      if ok and type(value) == 'table' then return value.status end
    end
  end
  local function keep(key, document, keepSeconds)
    local old = redis.pcall('GET', key)
    if type(old) == 'string' and finals[stateOf(old) or ''] then return false end
    if tonumber(keepSeconds) > 0 then redis.call('SET', key, document, 'EX', keepSeconds)
    else redis.call('SET', key, document) end
    redis.call('PUBLISH', key, document)
    return true
  end`
