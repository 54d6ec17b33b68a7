import { assert } from 'chai'
import { systemClock } from '../../../../lib/base/clock.ts'
import { openRedisServer } from '../../../../lib/driver/redis/redis-server.ts'
import { readRedisUrl } from '../../../../lib/driver/redis/redis-url.ts'
import { FakeClock } from '../../../../lib/testing/fake-clock.ts'
import { projectRoot, useProcesses } from '../../../support/processes.ts'
import type { RedisProcess } from '../../../support/redis-process.ts'
import { needRedis, useRedisServers, useSharedRedis } from '../../../support/servers.ts'
import { until } from '../../../support/until.ts'
import { errorOf, useServers } from './use-servers.ts'

const needed = needRedis()

describe('a Redis server of this process', () => {
  const redis = useSharedRedis(needed)
  const processes = useProcesses()
  const open = useServers()

  it('takes commands with text, numbers and bytes, and replies with text or bytes', async () => {
    const server = open(redis.freshUrl())
    const bytes = new Uint8Array([0, 255, 13, 10, 128])

    await server.command('SET', ['bytes', bytes])
    await server.command('SET', ['text', 'ä€😀\0'])
    await server.command('INCRBY', ['number', 41])

    assert.deepEqual(await server.command('GET', ['bytes'], { buffers: true }), Buffer.from(bytes))
    assert.equal(await server.command('GET', ['text']), 'ä€😀\0')
    assert.equal(await server.command('INCR', ['number']), 42)
    assert.isNull(await server.command('GET', ['absent']))
  })

  it('uses the database that its URL names', async () => {
    const url = redis.freshUrl()

    await open(url).command('SET', ['k', 'v'])

    const info = await redis.server.run('INFO', 'keyspace')
    assert.include(info, `db${url.split('/').at(-1)}:keys=1`)
  })

  it('is one for all that name one endpoint and clock, until the last gives it back', async () => {
    const endpoint = readRedisUrl(redis.freshUrl())
    const first = openRedisServer({ endpoint, clock: systemClock })
    const second = openRedisServer({ endpoint: { ...endpoint }, clock: systemClock })

    assert.strictEqual(first, second)
    await first.command('SET', ['k', 'v'])
    await first.release()
    assert.equal(await second.command('GET', ['k']), 'v')
    await second.release()
    const again = open(endpoint)
    assert.notStrictEqual(again, second)
    assert.equal(await again.command('GET', ['k']), 'v')
  })

  it('is two for two clocks, as two processes have', () => {
    const url = redis.freshUrl()

    assert.notStrictEqual(open(url), open(url, { clock: { ...systemClock } }))
  })

  it('refuses everything once it was released', async () => {
    const server = open(redis.freshUrl())
    await server.command('PING')

    await server.release()

    assert.equal((await errorOf(server.command('PING'))).code, 'UMBEL_CLOSED')
    assert.equal((await errorOf(server.open())).code, 'UMBEL_CLOSED')
    assert.throws(() => server.subscribe('c', { onMessage: () => {} }), /closed/)
  })

  it('is released while it connects', async () => {
    const server = open(redis.freshUrl())
    const asked = errorOf(server.command('PING'))

    await server.release()

    assert.equal((await asked).code, 'UMBEL_CLOSED')
    assert.isFalse(server.isUp)
  })

  it('gives replies of a pipeline in order, errors among them', async () => {
    const server = open(redis.freshUrl())

    const replies = await server.pipeline([
      { name: 'SET', args: ['text', 'x'] },
      { name: 'LPUSH', args: ['text', 'y'], what: 'publish' },
      { name: 'GET', args: ['text'] },
    ])

    assert.deepEqual([replies[0], replies[2]], ['OK', 'x'])
    assert.instanceOf(replies[1], Error)
    assert.match((replies[1] as Error).message, /^Could not publish on redis:\/\/127.*another kind/)
    assert.deepEqual(await server.pipeline([]), [])
  })

  it('takes a hundred thousand arguments at once', async () => {
    const server = open(redis.freshUrl())
    const members = Array.from({ length: 100_000 }, (_, index) => `m${index}`)

    assert.equal(await server.command('SADD', ['s', ...members]), 100_000)
  })

  it('names its connections', async () => {
    const server = open(redis.freshUrl(), { clientName: 'umbel:lease' })
    server.subscribe('c', { onMessage: () => {} })

    await until(async () => /name=umbel:lease:messages /.test(await redis.server.run('CLIENT', 'LIST')), {
      what: 'the connection for messages',
    })

    assert.match(await redis.server.run('CLIENT', 'LIST'), /name=umbel:lease /)
  })

  it('knows the time of the server', async () => {
    const clock = new FakeClock()
    const server = open(redis.freshUrl(), { clock })
    assert.equal(server.serverNow(), clock.now())

    await server.open()

    assert.approximately(server.serverNow(), Date.now(), 1_000)
    const before = server.serverNow()
    await clock.advance(500)
    assert.equal(server.serverNow(), before + 500)
  })

  it('tells of the generation there is, and of the next before other calls get at it', async () => {
    const server = open(redis.freshUrl())
    const told: string[] = []
    await server.open()
    const stop = server.onGeneration((generation) => {
      told.push(`${generation.number} ${generation.facts.major >= 6}`)
      generation.command('SET', ['generation', generation.number]).catch(() => {})
    })
    await until(() => told.length === 1, { what: 'the first generation' })

    await server.command('CLIENT', ['KILL', 'TYPE', 'normal', 'SKIPME', 'no']).catch(() => {})
    await until(() => !server.isUp, { what: 'the end of the connection' })

    assert.equal(await server.command('GET', ['generation']), '2')
    assert.deepEqual(told, ['1 true', '2 true'])
    stop()
  })

  it('keeps a process alive while it is asked, and not longer', async () => {
    const script = `
      import { systemClock } from '${projectRoot}/lib/base/clock.ts'
      import { openRedisServer } from '${projectRoot}/lib/driver/redis/redis-server.ts'
      import { readRedisUrl } from '${projectRoot}/lib/driver/redis/redis-url.ts'
      const server = openRedisServer({ endpoint: readRedisUrl('${redis.freshUrl()}'), clock: systemClock })
      server.subscribe('channel', { onMessage: () => {} })
      server.command('DEBUG', ['SLEEP', '0.3']).catch(() => {}).then(() => console.log('answered'))`
    const one = processes.start(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
      name: 'a program that does not close',
      cwd: projectRoot,
    })

    await one.succeeds({ withinMs: 10_000 })

    assert.include(one.stdout, 'answered')
  })
})

describe('a Redis server that fails', () => {
  const servers = useRedisServers(needed)
  const open = useServers()

  it('is found again by itself after it was killed, with a new generation', async () => {
    const redis = await servers.start()
    const server = open(redis.url())
    const generations: number[] = []
    server.onGeneration(({ number }) => generations.push(number))
    await server.command('SET', ['k', 'v'])

    await redis.restart()

    assert.isNull(await server.command('GET', ['k'], { repeat: true }))
    assert.deepEqual([generations[0], generations.length > 1], [1, true])
  })

  it('rejects at once what was sent, as unknown, and what was not, as not done', async () => {
    const redis = await servers.start()
    const server = open(redis.url(), { timeoutMs: 60_000 })
    await server.open()
    redis.freeze()
    const sent = errorOf(server.command('SET', ['k', 'v'], { what: 'publish' }))
    await sentOut()

    await redis.kill()

    const unknown = await sent
    assert.equal(unknown.code, 'UMBEL_OUTCOME_UNKNOWN')
    assert.match(unknown.message, /publish.*may or may not/)
    const refused = await errorOf(server.command('SET', ['k', 'v'], { waitMs: 0 }))
    assert.equal(refused.code, 'UMBEL_BROKER_UNAVAILABLE')
    assert.match(refused.message, /Nothing was changed/)
  })

  it('answers no later than its time-out while it hangs, and goes on with the next generation', async () => {
    const redis = await servers.start()
    const clock = new FakeClock()
    const server = open(redis.url(), { clock })
    await server.open()
    redis.freeze()
    const asked = errorOf(server.command('INCR', ['n']))
    const later = clock.sleep(5_000).then(() => errorOf(server.command('INCR', ['n'])))

    await clock.advance(10_000)
    const first = await asked

    assert.equal(first.code, 'UMBEL_OUTCOME_UNKNOWN')
    assert.match(first.message, /did not answer for 10 s/)
    assert.equal((await later).code, 'UMBEL_OUTCOME_UNKNOWN')
    assert.isFalse(server.isUp)
    redis.thaw()
    assert.equal(await advancing(clock, server.command('PING')), 'PONG')
  })

  it('gives a call that waited for a connection no more than the rest of its time', async () => {
    const redis = await servers.start()
    const clock = new FakeClock()
    const server = open(redis.url(), { clock })
    await redis.kill()
    const asked = server.command('PING')
    await clock.advance(6_000)
    await redis.start()
    await advanceUntil(clock, () => server.isUp, 20)
    assert.equal(await asked, 'PONG')

    await redis.kill()
    await until(() => !server.isUp, { what: 'the end of the connection' })
    const late = errorOf(server.command('PING'))
    await clock.advance(10_000)

    const error = await late
    assert.equal(error.code, 'UMBEL_BROKER_UNAVAILABLE')
    assert.match(error.message, /there is no connection/)
  })

  it('is found out by a sign of life that does not come, when nothing is asked of it', async () => {
    const redis = await servers.start()
    const clock = new FakeClock()
    const server = open(redis.url(), { clock })
    const stop = server.subscribe('c', { onMessage: () => {} })
    await until(async () => (await redis.run('PUBLISH', 'c', '')) === '1', { what: 'the subscription' })
    redis.freeze()

    await clock.advance(20_000)

    assert.isFalse(server.isUp)
    assert.match(server.lastError?.message ?? '', /did not/)
    stop()
  })

  it('stays connected while nothing is asked of it', async () => {
    const redis = await servers.start()
    const clock = new FakeClock()
    const server = open(redis.url(), { clock })
    let generations = 0
    server.onGeneration(() => generations++)
    server.subscribe('quiet', { onMessage: () => {} })
    await until(async () => (await redis.run('PUBSUB', 'CHANNELS')).includes('quiet'), { what: 'the subscription' })

    for (let i = 0; i < 60; i++) {
      await clock.advance(1_000)
      await server.command('ECHO', ['not idle for the network']).catch(() => {})
    }
    for (let i = 0; i < 60; i++) {
      await clock.advance(1_000)
      // By when the server has answered this, it has answered what was sent before.
      await redis.run('PING')
    }

    assert.equal(await server.command('PING'), 'PONG')
    assert.equal(generations, 1)
  })

  it('sends again what may be repeated', async () => {
    const redis = await servers.start()
    const server = open(redis.url())
    await server.open()
    redis.freeze()
    const repeated = server.command('ECHO', ['again'], { repeat: true })
    await sentOut()

    await redis.restart()

    assert.equal(await repeated, 'again')
  })

  it('says of what only reads that it was not done', async () => {
    const redis = await servers.start()
    const clock = new FakeClock()
    const server = open(redis.url(), { clock })
    await server.open()
    redis.freeze()
    const asked = errorOf(server.command('GET', ['k'], { reads: true, what: 'read a value' }))

    await clock.advance(10_000)

    const error = await asked
    assert.equal(error.code, 'UMBEL_BROKER_UNAVAILABLE')
    assert.match(error.message, /^Could not read a value on .*Nothing was changed/)
  })

  it('is full, and says so for what needs room', async () => {
    const redis = await servers.start()
    const server = open(redis.url())
    await server.open()
    await redis.run('CONFIG', 'SET', 'maxmemory', '1')

    const error = await errorOf(server.command('SET', ['k', 'v'], { what: 'publish' }))

    assert.equal(error.code, 'UMBEL_STORE_FULL')
    assert.match(error.message, /^Could not publish on .*maxmemory.*Nothing was stored/)
    assert.equal(await server.command('PING'), 'PONG')
  })

  it('is left when it becomes a replica', async () => {
    const redis = await servers.start()
    const server = open(redis.url())
    await server.command('SET', ['k', 'v'])
    await redis.run('REPLICAOF', '127.0.0.1', '1')

    const error = await errorOf(server.command('SET', ['k', 'w'], { timeoutMs: 1_000 }))

    assert.equal(error.code, 'UMBEL_BROKER_UNAVAILABLE')
    await until(() => !server.isUp, { what: 'the end of the generation' })
    const again = await errorOf(server.open({ waitMs: 300 }))
    assert.match(again.message, /replica/)
    await redis.run('REPLICAOF', 'NO', 'ONE')
    assert.equal(await server.command('GET', ['k']), 'v')
  })
})

describe('logging in to a Redis server', () => {
  const servers = useRedisServers(needed)
  const open = useServers()

  it('takes the password, or user and password', async () => {
    const redis = await servers.start({ requirepass: 's@cret/' })
    await redis.run('ACL', 'SETUSER', 'joe', 'on', '>p:w', '~*', '&*', '+@all')
    const url = (login: string): string => `redis://${login}@127.0.0.1:${redis.port}/1`

    assert.equal(await open(url(':s%40cret%2F')).command('PING'), 'PONG')
    assert.equal(await open(url('joe:p%3Aw')).command('ACL', ['WHOAMI']), 'joe')
  })

  const refused: [what: string, login: string, says: RegExp][] = [
    ['a wrong password', ':wrong', /refuses the login.*WRONGPASS/],
    ['no password', '', /refuses the login|NOAUTH/],
    ['an unknown user', 'nobody:pw', /refuses the login/],
  ]
  for (const [what, login, says] of refused) {
    it(`fails at once with ${what}, and says why`, async () => {
      const redis = await servers.start({ requirepass: 'right' })
      const server = open(`redis://${login}@127.0.0.1:${redis.port}`)

      const error = await errorOf(server.command('PING'))

      assert.equal(error.code, 'UMBEL_STORE_UNUSABLE')
      assert.match(error.message, says)
      assert.notInclude(JSON.stringify(error), 'wrong"')
    })
  }

  it('fails with a password for a server that has none, and with a database that it has not', async () => {
    const redis = await servers.start({ databases: '2' })

    const unneeded = await errorOf(open(`redis://:pw@127.0.0.1:${redis.port}`).command('PING'))
    const missing = await errorOf(open(redis.url(2)).command('PING'))

    assert.match(unneeded.message, /Leave it out/)
    assert.match(missing.message, /no database of that number/)
  })

  it('that is refused is tried again, at most once a second', async () => {
    const redis = await servers.start({ requirepass: 'right' })
    const clock = new FakeClock()
    const server = open(`redis://:wrong@127.0.0.1:${redis.port}`, { clock })
    await errorOf(server.command('PING'))
    const before = await failedLogins(redis)

    await until(
      async () => {
        await clock.advance(100)
        return (await failedLogins(redis)) - before >= 4
      },
      { what: 'four more tries' },
    )

    assert.isAtLeast(clock.monotonic(), 4_000)
    await redis.run('ACL', 'SETUSER', 'default', '>wrong')
    assert.equal(await advancing(clock, server.command('PING')), 'PONG')
  })

  it('says what a user may not do, and goes on with the rest', async () => {
    const redis = await servers.start()
    await redis.run('ACL', 'SETUSER', 'joe', 'on', '>pw', '~*', '&*', '+get', '+time', '+ping', '+select')
    const server = open(`redis://joe:pw@127.0.0.1:${redis.port}`)

    const error = await errorOf(server.command('SET', ['k', 'v'], { what: 'publish' }))

    assert.equal(error.code, 'UMBEL_STORE_UNUSABLE')
    assert.match(error.message, /^Could not publish.*may not do that/)
    assert.isNull(await server.command('GET', ['k']))
  })
})

async function failedLogins(redis: RedisProcess): Promise<number> {
  return Number(/cmdstat_auth:.*failed_calls=(\d+)/.exec(await redis.run('INFO', 'commandstats'))?.[1] ?? 0)
}

/** By then what was asked for has been written to the socket. */
function sentOut(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
}

async function advanceUntil(clock: FakeClock, isSo: () => boolean, stepMs: number): Promise<void> {
  await until(
    async () => {
      await clock.advance(stepMs)
      return isSo()
    },
    { what: 'time to do it' },
  )
}

/** Lets time pass until the promise is settled. */
async function advancing<T>(clock: FakeClock, promise: Promise<T>): Promise<T> {
  let isSettled = false
  const settled = promise.finally(() => {
    isSettled = true
  })
  await advanceUntil(clock, () => isSettled, 50)
  return settled
}
