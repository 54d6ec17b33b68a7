import { spawnSync } from 'node:child_process'
import { assert } from 'chai'
import { systemClock } from '../../lib/base/clock.ts'
import { consume, idOf, messageTo, settle } from '../../lib/testing/exams/broker-under-exam.ts'
import { needDebianPackage } from '../support/debian-packages.ts'
import { needRedis, useSharedRedis } from '../support/servers.ts'
import { until } from '../support/until.ts'
import { useRedisRig } from '../unit/broker/redis/rig.ts'

const python = '/usr/bin/python3'
const needsRedis = needRedis()
const needsKombu = ['python3-celery', 'python3-redis'].map((name) =>
  needDebianPackage({ name, isThere: () => spawnSync(python, ['-c', 'import celery, redis']).status === 0 }),
)

/** Runs a program of Python with kombu; what it prints as JSON. */
function kombu(url: string, program: string): any {
  const head = `
import json, sys
from kombu import Connection, Queue, Exchange
url = sys.argv[1]
def connect(**options): return Connection(url, transport_options=options)
`
  const { status, stdout, stderr } = spawnSync(python, ['-c', head + program, url], { encoding: 'utf8' })
  assert.equal(status, 0, stderr)
  return JSON.parse(stdout)
}

const restore = `
with connect(visibility_timeout=1) as connection:
    connection.default_channel.qos.restore_visible(0, 100, 1)
print('null')`

describe('kombu and Umbel on one Redis', () => {
  const redis = useSharedRedis(needsRedis)
  let url: string
  const rig = useRedisRig(() => url)
  before(function () {
    for (const needed of needsKombu) needed(this)
  })
  beforeEach(() => {
    url = redis.freshUrl()
  })

  it('a message of kombu’s is delivered and settled, and leaves nothing', async () => {
    const { broker, run } = await rig()
    kombu(
      url,
      `
with connect() as connection:
    producer = connection.Producer()
    producer.publish([[2, 'é'], {}, {}], routing_key='q', exchange='', serializer='json', priority=6,
        headers={'task': 't', 'id': 'from-python'}, declare=[Queue('q', Exchange('q'), routing_key='q')])
print('null')`,
    )
    const umbel = await broker()

    const { inbox } = await consume(umbel)
    const delivery = await inbox.next()

    assert.equal(idOf(delivery), 'from-python')
    assert.deepEqual(JSON.parse(Buffer.from(delivery.message.body as Uint8Array).toString()), [[2, 'é'], {}, {}])
    assert.equal(delivery.message.properties.priority, 6)
    assert.equal(await settle(umbel, delivery), 'settled')
    assert.equal(await run('EXISTS', 'unacked', 'unacked_index', 'q', 'q\u0006\u00166'), 0)
  })

  it('a message of ours is read and acknowledged by kombu, and leaves nothing', async () => {
    const { broker, run } = await rig()
    await (await broker()).publish([messageTo('q', 'from-umbel', { priority: 3 })])

    const read = kombu(
      url,
      `
from kombu import Consumer
got = []
with connect() as connection:
    def on_message(body, message):
        got.append([message.decode(), message.headers, message.properties.get('priority')])
        message.ack()
    with connection.Consumer(Queue('q', Exchange('q'), routing_key='q'), callbacks=[on_message], accept=['json']):
        connection.drain_events(timeout=5)
print(json.dumps(got[0]))`,
    )

    assert.deepEqual(read, [[['from-umbel'], {}, {}], { id: 'from-umbel', task: 'exam.task' }, 3])
    assert.equal(await run('EXISTS', 'unacked', 'unacked_index', 'q'), 0)
  })

  it('kombu leaves a living claim alone, restores one of the dead, and the claim is lost then', async () => {
    const { broker, run } = await rig()
    const umbel = await broker()
    await umbel.publish([messageTo('q', 'living'), messageTo('q', 'left')])
    const { consumer, inbox } = await consume(umbel, { prefetch: 2 })
    const [living, left] = await inbox.take(2)
    await consumer.stop()
    // As it stands when nobody has renewed it for longer than the timeout.
    await run('ZADD', 'unacked_index', Math.floor(systemClock.now() / 1000) - 60, String(left!.claim.key))
    await run('ZADD', 'unacked_index', Math.floor(systemClock.now() / 1000) + 5, String(living!.claim.key))

    kombu(url, restore)

    assert.equal(await settle(umbel, left!), 'lost')
    const again = await (await consume(umbel)).inbox.next()
    assert.deepEqual([idOf(again), again.redelivered], ['left', true])
    assert.equal(await settle(umbel, again), 'settled')
    assert.equal(await settle(umbel, living!), 'settled')
    assert.equal(await run('EXISTS', 'unacked', 'unacked_index', 'q'), 0)
  })

  it('kombu leaves a parked message alone, and rescues it when nobody else has', async () => {
    const { broker, run } = await rig()
    const umbel = await broker()
    await umbel.publish([messageTo('q', 'soon'), messageTo('q', 'late')])
    const { consumer, inbox } = await consume(umbel, { prefetch: 2 })
    const [soon, late] = await inbox.take(2)
    await consumer.stop()
    const now = systemClock.now()
    await settle(umbel, soon!, { disposition: 'park', notBefore: now + 60_000 })
    await settle(umbel, late!, { disposition: 'park', notBefore: now + 100 })
    await until(() => systemClock.now() > now + 100, { what: 'its time' })
    // As it stands a while later, when no worker of ours was there.
    await run('ZADD', 'unacked_index', Math.floor(now / 1000) - 60, String(late!.claim.key))

    kombu(url, restore)

    assert.equal(await run('LLEN', 'q'), 1)
    const { inbox: heir } = await consume(umbel)
    const rescued = await heir.next()
    assert.equal(idOf(rescued), 'late')
    await until(async () => Number(await run('ZCARD', 'umbel:due:q')) === 1, { what: 'its due time to be forgotten' })
    assert.lengthOf(heir.all, 1)
    assert.equal((await umbel.admin.counts('q')).scheduled, 1)
  })

  it('what is no message, left by a claimer that died at once, ends no restore of kombu’s', async () => {
    const { broker, run } = await rig()
    await run('LPUSH', 'q', 'no json at all')
    await run('LPUSH', 'q', '[1, 2]')
    const umbel = await broker()
    await umbel.publish([messageTo('q', 'good')])
    // The claim alone, without what the claimer does next.
    const { consumer, inbox } = await consume(umbel, { prefetch: 3 })
    const good = await inbox.next()
    await consumer.stop()
    await run('ZADD', 'unacked_index', 1, String(good.claim.key))

    kombu(url, restore)

    assert.equal(await run('LLEN', 'q'), 1)
    await until(async () => (await umbel.admin.counts('q')).dead === 2, { what: 'the dead letters' })
  })

  it('a topic exchange of ours leads kombu’s messages to our queues, and the reverse', async () => {
    const { broker, run } = await rig()
    const umbel = await broker()
    const exchange = { name: 'ex', type: 'topic' } as const
    await umbel.declare([
      { name: 'eu', exchange, routingKeys: ['orders.*.eu', 'audit.#'], durable: true, arguments: {} },
    ])
    kombu(
      url,
      `
exchange = Exchange('ex', type='topic')
with connect() as connection:
    producer = connection.Producer()
    Queue('us', exchange, routing_key='orders.*.us')(connection.default_channel).declare()
    for key in ('orders.new.eu', 'orders.new.us', 'audit.x.y'):
        producer.publish([], routing_key=key, exchange=exchange, serializer='json', headers={'task': 't', 'id': key})
print('null')`,
    )
    const { message } = messageTo('eu', 'ours')
    await umbel.publish([{ message, route: { exchange: 'ex', routingKey: 'orders.old.us' } }])

    assert.deepEqual([await run('LLEN', 'eu'), await run('LLEN', 'us')], [2, 2])
  })

  it('a broadcast of kombu’s reaches our subscribers', async () => {
    const { broker } = await rig()
    const umbel = await broker()
    const heard: string[] = []
    await umbel.subscribe('celery.pidbox', (message) => void heard.push(idOf({ message })))
    kombu(
      url,
      `
with connect() as connection:
    exchange = Exchange('celery.pidbox', type='fanout')
    connection.Producer().publish({}, exchange=exchange, routing_key='', serializer='json', declare=[exchange],
        headers={'id': 'from-python'})
print('null')`,
    )
    await until(() => heard.length === 1, { what: 'the broadcast' })
    assert.deepEqual(heard, ['from-python'])
  })
})
