import { assert } from 'chai'
import { systemClock } from '../../../../lib/base/clock.ts'
import { encodeKombuEnvelope } from '../../../../lib/broker/redis/kombu-envelope.ts'
import { openLease } from '../../../../lib/broker/redis/redis-lease.ts'
import {
  consume,
  idOf,
  idsOf,
  messageTo,
  settle,
  wireMessage,
} from '../../../../lib/testing/exams/broker-under-exam.ts'
import { needRedis, useSharedRedis } from '../../../support/servers.ts'
import { until } from '../../../support/until.ts'
import { type RedisRig, useRedisRig } from './rig.ts'

const needed = needRedis()
const separator = '\u0006\u0016'

describe('what the dead held, in Redis', () => {
  const redis = useSharedRedis(needed)
  const rig = useRedisRig(() => redis.freshUrl())

  it('comes back in its order and marked as kombu marks it, priorities kept', async () => {
    const { broker, run } = await rig()
    const dying = await broker()
    const heir = await broker()
    await dying.publish(['a', 'b'].map((id) => messageTo('q', id)))
    await dying.publish([messageTo('q', 'low', { priority: 9 })])
    const { inbox } = await consume(dying, { leaseMs: 300, prefetch: 3 })
    await inbox.take(3)
    await consume(heir, { queues: ['elsewhere'] })

    await until(async () => (await run('LLEN', 'q')) === 2, { what: 'the claims to come back' })

    const [low] = await run('LRANGE', `q${separator}9`, 0, -1)
    const read = JSON.parse(low)
    assert.isTrue(read.headers.redelivered)
    assert.isTrue(read.properties.delivery_info.redelivered)
    assert.deepEqual(read.properties.umbel, { losses: 1, returns: 0 })
    const again = await (await consume(heir)).inbox.take(3)
    assert.deepEqual(idsOf(again), ['a', 'b', 'low'])
    assert.deepEqual(await run('EXISTS', 'unacked_mutex'), 0)
  })

  it('is not taken back by one whose connection is younger than the lease', async () => {
    const { broker, run } = await rig()
    const holding = await broker()
    await holding.publish([messageTo('q', 'a')])
    const { consumer, inbox } = await consume(holding, { leaseMs: 1_500, prefetch: 1 })
    await inbox.next()
    const [id] = await run('ZRANGE', 'umbel:owners', 0, -1)
    // As after an outage in which nobody could renew.
    await run('ZADD', 'umbel:owners', 1, id)
    const from = performance.now()

    const young = await broker()
    const heir = await consume(young)

    await heir.inbox.next()
    assert.isAtLeast(performance.now() - from, 1_400)
    await consumer.stop()
  })

  it('stays while the lease module renews, and kombu sees a sign of life', async () => {
    const { broker, run } = await rig()
    const holding = await broker()
    await holding.publish([messageTo('q', 'a')])
    const { consumer, inbox } = await consume(holding, { leaseMs: 600, prefetch: 1 })
    const held = await inbox.next()
    const other = await consume(await broker())
    await run('ZADD', 'unacked_index', 1, String(held.claim.key))
    const lease = openLease(structuredClone(consumer.lease?.data))
    const endsAt = performance.now() + 1_800
    await until(async () => (await lease.renew()) && performance.now() > endsAt, { what: 'renewals' })

    assert.lengthOf(other.inbox.all, 0)
    assert.isAbove(Number(await run('ZSCORE', 'unacked_index', String(held.claim.key))), systemClock.now() / 1000 - 60)
    assert.equal(await settle(holding, held), 'settled')
    await lease.close()
  })

  it('goes to the dead letters where it is no message, with its bytes', async () => {
    const { broker, run } = await rig()
    const observer = await broker()
    const owner = 'umbel:gone:1'
    // What a claimer leaves that dies before it has looked at what it claimed.
    await run('HSET', 'umbel:claims:gone', owner, '=q', 'umbel:gone:2', '=q')
    await run('ZADD', 'umbel:owners', 1, 'gone')
    await run('HSET', 'unacked', owner, '[{"cut": of}, "", "q"]')
    await run('ZADD', 'unacked_index', 1, owner)
    await run('HSET', 'umbel:suspects', 'umbel:gone:2', 'no object')

    await consume(observer)
    const letters = await until(
      async () => {
        const found = await observer.admin.deadLetters()
        return found.length === 2 && found
      },
      { what: 'the dead letters' },
    )

    assert.deepEqual(letters.map(({ raw }) => Buffer.from(raw).toString()).sort(), ['no object', '{"cut": of}'])
    assert.deepEqual(
      letters.map(({ reason }) => reason),
      ['undecodable', 'undecodable'],
    )
    assert.equal(await run('EXISTS', 'unacked', 'unacked_index', 'umbel:suspects', 'umbel:claims:gone'), 0)
    await until(async () => (await run('ZSCORE', 'umbel:owners', 'gone')) === null, {
      what: 'the owner to be forgotten',
    })
  })
})

describe('what a Python worker left, in Redis', () => {
  const redis = useSharedRedis(needed)
  const rig = useRedisRig(() => redis.freshUrl())
  const facts = { route: { exchange: '', routingKey: 'q' }, deliveryTag: 'python-tag' }

  async function abandon({ run }: RedisRig, secondsAgo: number, envelope: string, tag = 'python-tag'): Promise<void> {
    await run('HSET', 'unacked', tag, `[${envelope}, "", "q"]`)
    await run('ZADD', 'unacked_index', systemClock.now() / 1000 - secondsAgo, tag)
  }

  it('comes back after the visibility timeout, to the front of the list of its priority', async () => {
    const it = await rig()
    const broker = await it.broker({ visibilityMs: 2_000 })
    await abandon(it, 3, encodeKombuEnvelope(wireMessage('old', { properties: { priority: 6 } }), facts))
    await broker.publish([messageTo('q', 'new', { priority: 6 })])

    await consume(broker, { queues: ['elsewhere'] })

    await until(async () => (await it.run('LLEN', `q${separator}6`)) === 2, { what: 'the message' })
    const { inbox } = await consume(broker)
    const old = await inbox.next()
    assert.deepEqual([idOf(old), old.redelivered, old.losses], ['old', true, 1])
    assert.equal(await it.run('EXISTS', 'unacked'), 1, 'the claim of it')
  })

  it('stays before that', async () => {
    const it = await rig()
    const broker = await it.broker({ visibilityMs: 2_000 })
    await abandon(it, 0, encodeKombuEnvelope(wireMessage('held'), facts))
    await abandon(it, 3, encodeKombuEnvelope(wireMessage('old'), { ...facts, deliveryTag: 'b' }), 'b')

    const { inbox } = await consume(broker)

    assert.equal(idOf(await inbox.next()), 'old')
    assert.equal(await it.run('HEXISTS', 'unacked', 'python-tag'), 1)
  })

  it('is set aside where it is no message', async () => {
    const it = await rig()
    const broker = await it.broker({ visibilityMs: 1_000 })
    await abandon(it, 3, '{"broken"')

    await consume(broker)

    await until(async () => (await broker.admin.counts('q')).dead === 1, { what: 'the dead letter' })
    assert.equal(await it.run('EXISTS', 'unacked', 'unacked_index'), 0)
  })
})

describe('a message that cost two workers, in Redis', () => {
  const redis = useSharedRedis(needed)
  const rig = useRedisRig(() => redis.freshUrl())

  it('is handed over alone, and nothing with it', async () => {
    const { broker } = await rig()
    const one = await broker()
    await one.publish([messageTo('q', 'suspect')])
    const first = await consume(one, { prefetch: 1 })
    for (let i = 0; i < 2; i++)
      await settle(one, await first.inbox.next(), { disposition: 'give-back', counted: 'loss' })
    const third = await first.inbox.next()
    await first.consumer.stop()
    await settle(one, third, { disposition: 'give-back' })
    await one.publish(['a', 'b', 'c'].map((id) => messageTo('q', id)))

    const { consumer, inbox } = await consume(one, { prefetch: 3 })
    const company = await inbox.take(2)
    assert.deepEqual(idsOf(company), ['a', 'b'])
    assert.lengthOf(inbox.all, 2)
    for (const delivery of company) await settle(one, delivery)

    const alone = await inbox.next()
    assert.deepEqual([idOf(alone), alone.losses], ['suspect', 2])
    assert.equal(consumer.unsettled, 1)
    assert.equal((await one.admin.counts('q')).waiting, 1)
    await settle(one, alone)
    assert.equal(idOf(await inbox.next()), 'c')
  })

  it('is blamed only for losses while it ran alone', async () => {
    const { broker } = await rig()
    const dying = await broker()
    await dying.publish([messageTo('q', 'suspect'), messageTo('q', 'company')])
    const setUp = await consume(dying, { prefetch: 1 })
    for (let i = 0; i < 2; i++)
      await settle(dying, await setUp.inbox.next(), { disposition: 'give-back', counted: 'loss' })
    const third = await setUp.inbox.next()
    await setUp.consumer.stop()
    await settle(dying, third, { disposition: 'give-back' })

    // Claimed with company, it waits for its turn when its worker dies.
    await (await consume(dying, { prefetch: 2, leaseMs: 300 })).inbox.take(1)
    const living = await broker()
    const heir = await consume(living, { prefetch: 2 })
    const company = await heir.inbox.next()
    assert.deepEqual([idOf(company), company.losses], ['company', 1])
    await settle(living, company)
    const alone = await heir.inbox.next()
    assert.deepEqual([idOf(alone), alone.losses], ['suspect', 2])
  })
})

describe('a batch wider than a script takes, in Redis', () => {
  const redis = useSharedRedis(needed)
  const rig = useRedisRig(() => redis.freshUrl())

  it('is settled whole, and what is given back keeps its order', async () => {
    const { broker } = await rig()
    const one = await broker()
    const ids = Array.from({ length: 1_200 }, (_, index) => `m${index}`)
    await one.publish(ids.map((id) => messageTo('q', id)))
    const { consumer, inbox } = await consume(one, { prefetch: ids.length })
    const taken = await inbox.take(ids.length)
    await consumer.stop()

    const replies = await one.settle(taken.map(({ claim }) => ({ claim, disposition: 'give-back' as const })))

    assert.deepEqual(new Set(replies), new Set(['settled']))
    const again = await consume(one, { prefetch: ids.length })
    assert.deepEqual(idsOf(await again.inbox.take(ids.length)), ids)
  })
})
