/**
 * Lua: `keep(key, old, document, keepSeconds)` stores a result document as Celery does and publishes it on the channel of the same name, unless a
 * final one stood there (`old`, false for none); 0 seconds keep it for ever. For scripts that have made their first write.
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
  local function keep(key, old, document, keepSeconds)
    if old and finals[stateOf(old) or ''] then return end
    if keepSeconds == '0' then redis.call('SET', key, document)
    else redis.call('SET', key, document, 'EX', keepSeconds) end
    redis.call('PUBLISH', key, document)
  end`
