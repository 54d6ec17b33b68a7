import { assert } from 'chai'
import { systemClock } from '../../../lib/base/clock.ts'
import { readRedisUrl } from '../../../lib/driver/redis/redis-url.ts'
import { RedisStateStore } from '../../../lib/state/redis/redis-state-store.ts'
import type { RedisProcess } from '../../support/redis-process.ts'
import { needRedis, useRedisServers } from '../../support/servers.ts'

const needed = needRedis()

describe('state on Redis', () => {
  const servers = useRedisServers(needed)
  let redis: RedisProcess
  let state: RedisStateStore
  beforeEach(async () => {
    redis = await servers.start()
    state = new RedisStateStore({ endpoint: readRedisUrl(redis.url()), clock: systemClock, keyPrefix: 'shop:' })
    await state.start()
  })
  afterEach(() => state.stop())

  it('stands under the prefix, and what has an end leaves the server by itself', async () => {
    await state.putIfAbsent('a', '1', { ttlMs: 60_000 })
    await state.takeRate('a', { limit: 2, periodMs: 60_000 })
    await state.takePlace('a', 'me', { limit: 1, ttlMs: 60_000 })
    await state.indexAdd('a', [{ member: 'm', score: 1 }], { ttlMs: 60_000 })

    for (const kind of ['value', 'rate', 'places', 'index']) {
      const leftMs = Number(await redis.run('PTTL', `shop:umbel-state-${kind}:a`))
      assert.isAbove(leftMs, 0, kind)
      assert.isAtMost(leftMs, 60_001, kind)
    }
    assert.equal(await redis.run('DBSIZE'), '4')
  })

  it('keeps a set of places as long as its last holder', async () => {
    await state.takePlace('a', 'long', { limit: 2, ttlMs: 60_000 })
    await state.takePlace('a', 'short', { limit: 2, ttlMs: 1_000 })

    assert.isAbove(Number(await redis.run('PTTL', 'shop:umbel-state-places:a')), 50_000)
  })

  it('allows exactly a burst of any size, whatever the sums of its times round to', async () => {
    for (const limit of [3, 7, 49, 333]) {
      const rate = { limit, periodMs: 60_000_000 }
      const asked = await Promise.all(Array.from({ length: limit + 5 }, () => state.takeRate(`of ${limit}`, rate)))

      assert.equal(asked.filter(({ allowed }) => allowed).length, limit)
    }
  })

  it('takes ten thousand members at once', async () => {
    const entries = Array.from({ length: 10_000 }, (_, index) => ({ member: `m${index}`, score: index }))

    await state.indexAdd('a', entries)

    assert.lengthOf(await state.indexRange('a', {}), 10_000)
    assert.equal(
      await state.indexRemove(
        'a',
        entries.map(({ member }) => member),
      ),
      10_000,
    )
    assert.equal(await redis.run('DBSIZE'), '0')
  })
})
