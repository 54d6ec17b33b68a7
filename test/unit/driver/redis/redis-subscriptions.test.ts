import { assert } from 'chai'
import type { Generation } from '../../../../lib/driver/redis/redis-commands.ts'
import type { RedisServer } from '../../../../lib/driver/redis/redis-server.ts'
import { needRedis, useRedisServers, useSharedRedis } from '../../../support/servers.ts'
import { until } from '../../../support/until.ts'
import { useServers } from './use-servers.ts'

const needed = needRedis()

describe('subscriptions to a Redis server', () => {
  const redis = useSharedRedis(needed)
  const servers = useRedisServers(needed)
  const open = useServers()

  it('hand over what is published once they are ready, as bytes', async () => {
    const server = open(redis.freshUrl())
    const bytes = Buffer.from([0, 255, 10])
    const seen: unknown[] = []
    const stop = listen(server, 'bytes', {
      onReady: () => void server.command('PUBLISH', ['bytes', bytes]),
      onMessage: (payload, channel) => seen.push(channel, payload),
    })

    await until(() => seen.length > 0, { what: 'the message' })

    assert.deepEqual(seen, ['bytes', bytes])
    stop()
  })

  it('of one channel are each told, and one that joins later is ready at once', async () => {
    const server = open(redis.freshUrl())
    const seen: string[] = []
    listen(server, 'both', { onReady: () => seen.push('first'), onMessage: () => seen.push('to first') })
    await until(() => seen.includes('first'), { what: 'the first' })

    listen(server, 'both', { onReady: () => seen.push('second'), onMessage: () => seen.push('to second') })
    await until(() => seen.includes('second'), { what: 'the second' })
    await server.command('PUBLISH', ['both', 'x'])
    await until(() => seen.length === 4, { what: 'both messages' })

    assert.deepEqual(seen, ['first', 'second', 'to first', 'to second'])
  })

  it('by pattern say which channel it was', async () => {
    const server = open(redis.freshUrl())
    const seen: string[] = []
    let isReady = false
    server.subscribe(
      '/0.events/*',
      { onReady: () => (isReady = true), onMessage: (payload, channel) => seen.push(`${channel}: ${payload}`) },
      { pattern: true },
    )
    await until(() => isReady, { what: 'the subscription' })

    await server.command('PUBLISH', ['/0.events/worker.online', 'hi'])
    await until(() => seen.length === 1, { what: 'the message' })

    assert.deepEqual(seen, ['/0.events/worker.online: hi'])
  })

  it('that are stopped are silent, leave the server, and can be begun anew', async () => {
    const server = open(redis.freshUrl())
    const seen: string[] = []
    const subscribers = async (): Promise<number> => {
      const [, count] = (await server.command('PUBSUB', ['NUMSUB', 'again'])) as [string, number]
      return count
    }
    const stopOther = listen(server, 'other', { onMessage: () => {} })
    const stop = listen(server, 'again', { onMessage: () => seen.push('first') })
    await until(async () => (await subscribers()) === 1, { what: 'the subscription' })

    stop()
    stop()
    await until(async () => (await subscribers()) === 0, { what: 'its end' })
    const stopShort = listen(server, 'again', { onMessage: () => seen.push('short') })
    stopShort()
    let isReady = false
    listen(server, 'again', { onReady: () => (isReady = true), onMessage: () => seen.push('second') })
    await until(() => isReady, { what: 'the second subscription' })
    await server.command('PUBLISH', ['again', 'x'])
    await until(() => seen.length > 0, { what: 'the message' })

    assert.deepEqual(seen, ['second'])
    stopOther()
  })

  it('ten thousand at once share one connection and few commands', async () => {
    const server = open(redis.freshUrl())
    await server.open()
    const calls = async (): Promise<number> => callsOf('subscribe', await redis.server.run('INFO', 'commandstats'))
    const before = await calls()
    const ready = new Set<string>()
    const seen = new Set<string>()
    const names = Array.from({ length: 10_000 }, (_, index) => `many-${index}`)
    const stops = names.map((name) =>
      listen(server, name, { onReady: () => ready.add(name), onMessage: () => seen.add(name) }),
    )
    await until(() => ready.size === names.length, { what: 'all to be ready' })

    await server.pipeline(names.map((name) => ({ name: 'PUBLISH', args: [name, 'x'] })))
    await until(() => seen.size === names.length, { what: 'all messages' })

    assert.isAtMost((await calls()) - before, 10)
    for (const stop of stops) stop()
    await until(async () => ((await server.command('PUBSUB', ['CHANNELS', 'many-*'])) as []).length === 0, {
      what: 'all to be gone',
    })
  })

  it('outlive a connection that is killed, and are told to look again', async () => {
    const server = open(redis.freshUrl())
    const ready: number[] = []
    const seen: string[] = []
    listen(server, 'lasting', {
      onReady: ({ number }) => ready.push(number),
      onMessage: (text) => seen.push(`${text}`),
    })
    await until(() => ready.length === 1, { what: 'the first generation' })

    await redis.server.run('CLIENT', 'KILL', 'TYPE', 'pubsub')
    await until(() => ready.length === 2, { what: 'the second generation' })
    await server.command('PUBLISH', ['lasting', 'after'])
    await until(() => seen.length > 0, { what: 'the message' })

    assert.deepEqual(ready, [1, 2])
    assert.deepEqual(seen, ['after'])
  })

  it('begun while the server is away are ready when it is back', async () => {
    const own = await servers.start()
    const server = open(own.url())
    await server.open()
    await own.kill()
    await until(() => !server.isUp, { what: 'the end of the connection' })
    let isReady = false
    listen(server, 'early', { onReady: () => (isReady = true), onMessage: () => {} })

    await own.start()

    await until(() => isReady, { what: 'the subscription' })
  })

  it('learn what other clients change in keys that were read, by the number of their connection', async () => {
    const server = open(redis.freshUrl())
    const seen: unknown[] = []
    const generations: Generation[] = []
    const track = async (generation: Generation): Promise<void> => {
      await generation.command('CLIENT', ['TRACKING', 'ON', 'REDIRECT', generation.subscriberId!])
      await generation.command('LLEN', ['queue'])
      generations.push(generation)
    }
    listen(server, '__redis__:invalidate', {
      onReady: (generation) => void track(generation),
      onMessage: (keys) => seen.push((keys as Buffer[] | null)?.map(String) ?? 'all'),
    })
    await until(() => generations.length === 1, { what: 'the tracking' })

    await server.command('LPUSH', ['queue', 'x'])
    await until(() => seen.length === 1, { what: 'the invalidation' })
    await redis.server.run('CLIENT', 'KILL', 'TYPE', 'pubsub')
    await until(() => generations.length === 2, { what: 'the tracking of the next generation' })
    await server.command('FLUSHDB')
    await until(() => seen.length >= 2, { what: 'the second invalidation' })

    assert.deepEqual(seen[0], ['queue'])
    assert.isTrue(generations[0]!.isOver)
    assert.isTrue(generations[0]!.signal.aborted)
  })
})

type Listener = Parameters<RedisServer['subscribe']>[1]

function listen(server: RedisServer, channel: string, listener: Listener): () => void {
  return server.subscribe(channel, listener)
}

function callsOf(command: string, stats: string): number {
  return Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(stats)?.[1] ?? 0)
}
