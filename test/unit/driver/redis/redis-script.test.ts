import { assert } from 'chai'
import { defineScript } from '../../../../lib/driver/redis/redis-script.ts'
import { needRedis, useSharedRedis } from '../../../support/servers.ts'
import { errorOf, useServers } from './use-servers.ts'

const needed = needRedis()

const add = defineScript({
  name: 'add to a total',
  keys: ['total', 'log'],
  args: ['by'],
  rest: { args: 'more' },
  flags: ['allow-oom'],
  reply: Number,
  lua: /* lua */ `
    -- adds all of them
    local sum = tonumber(by)
    for _, each in ipairs(more) do sum = sum + each end
    redis.call('RPUSH', log, sum)
    return redis.call('INCRBY', total, sum)`,
})

const lengths = defineScript({
  name: 'lengths',
  keys: ['first'],
  args: [],
  rest: { keys: 'queues' },
  reply: (raw) => raw as number[],
  lua: /* lua */ `
    local all = { redis.call('LLEN', first) }
    for i, key in ipairs(queues) do all[i + 1] = redis.call('LLEN', key) end
    return all`,
})

describe('a script of Redis', () => {
  const redis = useSharedRedis(needed)
  const open = useServers()

  it('has its keys and arguments as local variables, and neither comments nor indents', () => {
    assert.equal(
      add.texts.plain.lua,
      [
        'local total, log = KEYS[1], KEYS[2]',
        'local by = ARGV[1]',
        'local more = {}',
        'for i = 2, #ARGV do more[i - 1] = ARGV[i] end',
        'local sum = tonumber(by)',
        'for _, each in ipairs(more) do sum = sum + each end',
        "redis.call('RPUSH', log, sum)",
        "return redis.call('INCRBY', total, sum)",
      ].join('\n'),
    )
    assert.equal(add.texts.flagged?.lua, `#!lua flags=allow-oom\n${add.texts.plain.lua}`)
    assert.isUndefined(lengths.texts.flagged)
  })

  it('runs with any number of further arguments or keys', async () => {
    const server = open(redis.freshUrl())

    assert.equal(await add.run(server, { total: 't', log: 'l' }, { by: 1 }), 1)
    assert.equal(await add.run(server, { total: 't', log: 'l' }, { by: '2' }, { restArgs: [3, '4'] }), 10)
    assert.deepEqual(await lengths.run(server, { first: 'l' }, {}, { restKeys: ['none', 'l'] }), [2, 0, 2])
    assert.deepEqual(await lengths.run(server, { first: 'l' }, {}), [2])
  })

  it('is sent whole to a server that has forgotten it, also within a pipeline', async () => {
    const server = open(redis.freshUrl())
    const keys = { total: 't', log: 'l' }
    await add.run(server, keys, { by: 1 })

    await server.command('SCRIPT', ['FLUSH'])
    assert.equal(await add.run(server, keys, { by: 1 }), 2)
    await server.command('SCRIPT', ['FLUSH'])
    const replies = await server.pipeline([
      { name: 'SET', args: ['k', 'v'] },
      add.call(keys, { by: 1 }),
      { name: 'GET', args: ['k'] },
      add.call(keys, { by: 2 }),
    ])

    assert.deepEqual(replies, ['OK', 3, 'v', 5])
  })

  it('that fails says which one it was', async () => {
    const server = open(redis.freshUrl())
    await server.command('SET', ['l', 'no list'])

    const error = await errorOf(add.run(server, { total: 't', log: 'l' }, { by: 1 }))

    assert.equal(error.code, 'UMBEL_STORE_UNUSABLE')
    assert.match(error.message, /^Could not add to a total on redis:/)
  })

  it('gives bytes where it is asked to', async () => {
    const server = open(redis.freshUrl())
    const echo = defineScript({
      name: 'echo',
      keys: [],
      args: ['bytes'],
      buffers: true,
      reply: (raw) => raw as Buffer,
      lua: 'return bytes',
    })
    const bytes = Buffer.from([0, 255, 13, 10])

    assert.deepEqual(await echo.run(server, {}, { bytes }), bytes)
  })
})
