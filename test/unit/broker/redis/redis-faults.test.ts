import { assert } from 'chai'
import { BrokerUnavailable, OutcomeUnknown, StoreFull } from '../../../../lib/base/errors.ts'
import { openLease } from '../../../../lib/broker/redis/redis-lease.ts'
import { consume, idsOf, messageTo, settle } from '../../../../lib/testing/exams/broker-under-exam.ts'
import { needRedis, useRedisServers, useSharedRedis } from '../../../support/servers.ts'
import { useProxies } from '../../../support/tcp-proxy.ts'
import { until, within } from '../../../support/until.ts'
import { useRedisRig } from './rig.ts'

const needed = needRedis()

describe('a broker on Redis over a bad network', () => {
  const redis = useSharedRedis(needed)
  let url: string
  const rig = useRedisRig(() => url)
  const proxy = useProxies()
  beforeEach(() => {
    url = redis.freshUrl()
  })

  async function proxied(): Promise<{ through: string; network: Awaited<ReturnType<typeof proxy>> }> {
    const { hostname, port, pathname } = new URL(url)
    const network = await proxy({ to: { host: hostname, port: Number(port) } })
    return { through: `redis://127.0.0.1:${network.port}${pathname}`, network }
  }

  it('publishes once, though replies are lost', async () => {
    const { broker, run } = await rig()
    const { through, network } = await proxied()
    const publisher = await broker({ url: through })
    await publisher.publish([messageTo('q', 'first')])

    for (let i = 0; i < 5; i++) {
      // The reply is cut in two: the message is stored, and the publisher cannot know.
      network.set({ cutAfter: 1 }, 'down')
      const publishing = publisher.publish([messageTo('q', `m${i}`)])
      await until(async () => (await run('LLEN', 'q')) >= 2 + i, { what: 'the message to be stored' })
      network.restore()
      await publishing
    }

    assert.equal(await run('LLEN', 'q'), 6)
  })

  it('says that a message may be stored when it cannot learn it in time', async () => {
    const { broker, run } = await rig()
    const { through, network } = await proxied()
    const publisher = await broker({ url: through, timeoutMs: 1_000 })
    await publisher.publish([messageTo('q', 'first')])
    network.set({ blackhole: true }, 'down')

    const error = await publisher.publish([messageTo('q', 'a')]).then(
      () => undefined,
      (cause: unknown) => cause,
    )

    assert.instanceOf(error, OutcomeUnknown)
    assert.equal(await run('LLEN', 'q'), 2)
    network.restore()
  })

  it('says that nothing is stored when the server is not there', async () => {
    const { broker, run } = await rig()
    const { through, network } = await proxied()
    const publisher = await broker({ url: through, timeoutMs: 500 })
    network.down()
    await until(
      () =>
        publisher.publish([messageTo('q', 'a')]).then(
          () => false,
          (error: unknown) => error instanceof BrokerUnavailable,
        ),
      {
        what: 'a refusal',
      },
    )
    network.restore()
    await until(
      () =>
        publisher.publish([messageTo('q', 'b')]).then(
          () => true,
          () => false,
        ),
      { what: 'the server again' },
    )
    assert.equal(await run('LLEN', 'q'), 1)
  })

  it('goes on consuming after every reset, and what a lost reply brought comes back unblamed', async () => {
    const { broker } = await rig()
    const { through, network } = await proxied()
    const publisher = await broker()
    const worker = await broker({ url: through })
    const deliveries: string[] = []
    await worker.consume(['q'], {
      owner: 'w',
      prefetch: 10,
      leaseMs: 60_000,
      onError: () => {},
      onDeliveries: (batch) => {
        deliveries.push(...idsOf(batch))
        for (const { claim, losses } of batch) {
          assert.equal(losses, 0)
          void worker.settle([{ claim, disposition: 'done' }]).catch(() => {})
        }
      },
    })
    for (let i = 0; i < 5; i++) {
      const before = network.counts.connections
      network.set({ cutAfter: 1 + i * 150 }, 'down')
      await publisher.publish([messageTo('q', `m${i}`)])
      await until(() => network.counts.connections > before, { what: 'a new connection' })
      network.restore()
      await until(() => deliveries.includes(`m${i}`), { what: `message ${i}`, seen: () => deliveries.join() })
    }
    network.restore()
    await until(async () => (await publisher.admin.counts('q')).waiting === 0, { what: 'the end' })
  })

  it('claims and settles after its scripts were forgotten', async () => {
    const { broker, run } = await rig()
    const one = await broker()
    const { inbox } = await consume(one)
    for (const id of ['a', 'b', 'c']) {
      await run('SCRIPT', 'FLUSH')
      await one.publish([messageTo('q', id)])
      assert.equal(await settle(one, await inbox.next()), 'settled')
    }
  })

  it('consumes where the server refuses to tell of new messages', async () => {
    const { broker, run } = await rig()
    await run('ACL', 'SETUSER', 'mute', 'on', '>pw', '~*', '&*', '+@all', '-client|tracking')
    const { hostname, port, pathname } = new URL(url)
    const one = await broker({ url: `redis://mute:pw@${hostname}:${port}${pathname}` })
    const { inbox } = await consume(one)

    for (const id of ['a', 'b']) {
      await (await broker()).publish([messageTo('q', id)])
      await inbox.next()
    }

    assert.deepEqual(idsOf(inbox.all), ['a', 'b'])
  })

  it('goes on after its database was emptied', async () => {
    const { broker, run } = await rig()
    const one = await broker()
    const { inbox } = await consume(one, { prefetch: 2 })
    await one.publish([messageTo('q', 'gone')])
    const gone = await inbox.next()
    await run('FLUSHDB')

    await one.publish([messageTo('q', 'new')])

    const [fresh] = await inbox.take(1)
    assert.equal(await settle(one, gone), 'lost')
    assert.equal(await settle(one, fresh!), 'settled')
  })
})

describe('a full Redis', () => {
  const servers = useRedisServers(needed)
  let url = ''
  const rig = useRedisRig(() => url)

  it('refuses publications whole, and lets workers drain it', async () => {
    const server = await servers.start({ 'maxmemory-policy': 'noeviction' })
    url = server.url()
    const { broker, run } = await rig()
    const one = await broker()
    await one.publish(Array.from({ length: 300 }, (_, index) => messageTo('q', `m${index}`)))
    await run('CONFIG', 'SET', 'maxmemory', 1)

    const error = await one.publish([messageTo('q', 'late'), messageTo('r', 'late')]).then(
      () => undefined,
      (cause: unknown) => cause,
    )
    assert.instanceOf(error, StoreFull)
    let done = 0
    const { lease } = await one.consume(['elsewhere'], {
      owner: 'w2',
      prefetch: 1,
      onError: () => {},
      onDeliveries: () => {},
    })
    await until(async () => (await run('ZCARD', 'umbel:owners')) === 1, { what: 'the owner to be known' })
    const part = openLease(structuredClone(lease?.data))
    assert.isTrue(await part.renew())
    await part.close()
    await one.consume(['q'], {
      owner: 'w',
      prefetch: 50,
      onError: (cause) => assert.fail(String(cause)),
      onDeliveries: (batch) => {
        const record = (id: string) => ({
          id,
          state: 'SUCCESS',
          document: '{"status":"SUCCESS"}',
          contentType: 'application/json',
        })
        const settlements = batch.map(({ claim }, index) => ({
          claim,
          disposition: 'done' as const,
          record: record(`${claim.token}-${index}`),
        }))
        void one.settle(settlements).then((replies) => {
          done += replies.filter((reply) => reply === 'settled').length
        })
      },
    })

    await within(
      10_000,
      'the queue to drain',
      until(() => done === 300, { what: '300 settlements', seen: () => String(done) }),
    )
    assert.equal(await run('EXISTS', 'q', 'r', 'unacked', 'unacked_index'), 0)
    await run('CONFIG', 'SET', 'maxmemory', 0)
    await one.publish([messageTo('r', 'again')])
  })
})
