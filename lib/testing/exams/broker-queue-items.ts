import { strict as assert } from 'node:assert'
import { plainQueue, type Queue } from '../../broker/queue.ts'
import { type BrokerUnderExam, consume, idOf, idsOf, messageTo, settle, wireMessage } from './broker-under-exam.ts'
import { type ExamItem, examItem, soon, untilTrue } from './exam.ts'

/** Queues and how messages find them; what operators do; what ends. */
export const brokerQueueItems: readonly ExamItem<BrokerUnderExam>[] = [
  examItem('declaring is idempotent, and declared queues are listed', async ({ broker }) => {
    await broker.declare([plainQueue('b'), plainQueue('a')])
    await broker.declare([plainQueue('a')])
    assert.deepEqual(
      (await broker.admin.queues()).map(({ queue }) => queue),
      ['a', 'b'],
    )
  }),

  examItem('a queue is made by the first message to it', async ({ broker }) => {
    await broker.publish([messageTo('unheard-of', 'a')])
    assert.equal((await broker.admin.counts('unheard-of')).waiting, 1)
    assert.deepEqual(
      (await broker.admin.queues()).map(({ queue }) => queue),
      ['unheard-of'],
    )
  }),

  examItem('an unknown queue counts nothing', async ({ broker }) => {
    const counts = { queue: 'nobody', waiting: 0, scheduled: 0, claimed: 0, dead: 0, paused: false }
    assert.deepEqual(await broker.admin.counts('nobody'), counts)
  }),

  examItem('a direct exchange leads to the queues bound with that very key', async ({ broker }) => {
    await broker.declare([bound('one', 'direct', ['k1', 'k2']), bound('two', 'direct', ['k2'])])
    assert.deepEqual(await reached(broker, 'k1'), ['one'])
    assert.deepEqual(await reached(broker, 'k2'), ['one', 'two'])
  }),

  examItem('a topic exchange leads by patterns', async ({ broker }) => {
    await broker.declare([bound('all', 'topic', ['#']), bound('eu', 'topic', ['orders.*.eu', 'audit.#'])])
    assert.deepEqual(await reached(broker, 'orders.new.eu'), ['all', 'eu'])
    assert.deepEqual(await reached(broker, 'orders.new.us'), ['all'])
    assert.deepEqual(await reached(broker, 'audit'), ['all', 'eu'])
  }),

  examItem('a fanout exchange leads to all its queues, whatever the key', async ({ broker }) => {
    await broker.declare([bound('one', 'fanout', []), bound('two', 'fanout', ['x'])])
    assert.deepEqual(await reached(broker, 'anything'), ['one', 'two'])
  }),

  examItem('a message that no queue takes is refused, and nothing of its batch is stored', async ({ broker }) => {
    await broker.declare([bound('one', 'direct', ['k'])])
    const lost = { message: wireMessage('b'), route: { exchange: 'ex', routingKey: 'other' } }
    await assert.rejects(broker.publish([messageTo('q', 'a'), lost]), { code: 'UMBEL_UNROUTABLE' })
    assert.equal((await broker.admin.counts('q')).waiting, 0)
  }),

  examItem('a delivery tells its queue and its route', async ({ broker }) => {
    await broker.declare([bound('one', 'topic', ['a.*'])])
    await broker.publish([
      { message: wireMessage('x'), route: { exchange: 'ex', routingKey: 'a.b' } },
      messageTo('one', 'y'),
    ])
    const { inbox } = await consume(broker, { queues: ['one'] })
    const [x, y] = await inbox.take(2)
    assert.deepEqual(x?.route, { exchange: 'ex', routingKey: 'a.b' })
    assert.deepEqual(y?.route, { exchange: '', routingKey: 'one' })
    assert.deepEqual([x?.queue, x?.claim.queue, y?.queue], ['one', 'one', 'one'])
  }),

  examItem('queues declared by one participant route for all', async ({ broker, join }) => {
    if (join === undefined) throw new Error('This needs a store that several share.')
    const other = await join()
    await broker.declare([bound('one', 'direct', ['k'])])
    await other.publish([{ message: wireMessage('a'), route: { exchange: 'ex', routingKey: 'k' } }])
    await broker.declare([bound('two', 'direct', ['k'])])
    await other.publish([{ message: wireMessage('b'), route: { exchange: 'ex', routingKey: 'k' } }])
    assert.deepEqual(
      await Promise.all(['one', 'two'].map(async (name) => (await broker.admin.counts(name)).waiting)),
      [2, 1],
    )
  }),

  examItem('counts tell waiting, scheduled and claimed apart', async ({ broker, now }) => {
    await broker.publish(['a', 'b', 'c'].map((id) => messageTo('q', id)))
    await broker.publish([messageTo('q', 'd', { notBefore: now() + 60_000 })])
    const { inbox } = await consume(broker, { prefetch: 1 })
    await inbox.next()
    assert.deepEqual(await broker.admin.counts('q'), {
      queue: 'q',
      waiting: 2,
      scheduled: 1,
      claimed: 1,
      dead: 0,
      paused: false,
    })
  }),

  examItem('a message that came due counts as waiting, consumer or not', async ({ broker, now, advance }) => {
    await broker.publish([messageTo('q', 'a', { notBefore: now() + 100 })])
    await advance(200)
    const { waiting, scheduled } = await broker.admin.counts('q')
    assert.deepEqual([waiting, scheduled], [1, 0])
  }),

  examItem('purge removes what waits and what is scheduled, not what is claimed', async ({ broker, now }) => {
    await broker.publish(['a', 'b', 'c'].map((id) => messageTo('q', id)))
    await broker.publish([messageTo('q', 'd', { notBefore: now() + 60_000 }), messageTo('other', 'e')])
    const { inbox } = await consume(broker, { prefetch: 1 })
    const held = await inbox.next()
    assert.equal(await broker.admin.purge('q'), 3)
    assert.equal(await settle(broker, held), 'settled')
    assert.equal(await broker.admin.purge('q'), 0)
    assert.equal((await broker.admin.counts('other')).waiting, 1)
  }),

  examItem('a paused queue is not claimed from, and goes on when resumed', async ({ broker, advance }) => {
    await broker.admin.pause('q')
    await broker.publish([messageTo('q', 'a'), messageTo('r', 'b')])
    const { inbox } = await consume(broker, { queues: ['q', 'r'] })
    assert.equal(idOf(await inbox.next()), 'b')
    await advance(50)
    assert.equal(inbox.all.length, 1)
    assert.equal((await broker.admin.counts('q')).paused, true)
    await broker.admin.resume('q')
    assert.equal(idOf(await inbox.next()), 'a')
  }),

  examItem('a pause by one participant holds for all at once', async ({ broker, join, advance }) => {
    if (join === undefined) throw new Error('This needs a store that several share.')
    const other = await join()
    const { inbox } = await consume(other)
    await broker.admin.pause('q')
    await other.publish([messageTo('q', 'a')])
    await advance(50)
    assert.equal(inbox.all.length, 0)
    await broker.admin.resume('q')
    assert.equal(idOf(await inbox.next()), 'a')
  }),

  examItem('a broadcast reaches every subscriber of its topic, alive now', async ({ broker, join }) => {
    const other = join === undefined ? broker : await join()
    await broker.broadcast('news', wireMessage('too-early'))
    const heard: string[] = []
    const listen = (who: string) => (message: Parameters<typeof idOf>[0]['message']) =>
      void heard.push(`${who} ${idOf({ message })}`)
    await broker.subscribe('news', listen('one'))
    const second = await other.subscribe('news', listen('two'))
    await other.subscribe('weather', listen('three'))
    await broker.broadcast('news', wireMessage('a'))
    await untilTrue('both to hear it', () => heard.length === 2)
    await second.stop()
    await other.broadcast('news', wireMessage('b'))
    await untilTrue('the first to hear the second', () => heard.length === 3)
    assert.deepEqual(heard.slice(0, 2).sort(), ['one a', 'two a'])
    assert.equal(heard[2], 'one b')
  }),

  examItem('flush resolves when what was published is stored', async ({ broker }) => {
    const publishing = broker.publish([messageTo('q', 'a')])
    await soon('the flush', broker.flush())
    assert.equal((await broker.admin.counts('q')).waiting, 1)
    await publishing
  }),

  examItem('a stopped broker refuses everything as closed, and stops twice', async ({ broker, join }) => {
    const other = join === undefined ? broker : await join()
    await other.stop()
    await other.stop()
    const closed = { code: 'UMBEL_CLOSED' }
    await assert.rejects(other.publish([messageTo('q', 'a')]), closed)
    await assert.rejects(other.settle([{ claim: { key: 1, token: 1, queue: 'q' }, disposition: 'done' }]), closed)
    await assert.rejects(consume(other), closed)
    await assert.rejects(other.declare([plainQueue('q')]), closed)
    await assert.rejects(other.broadcast('news', wireMessage('a')), closed)
    await assert.rejects(async () => other.admin.counts('q'), closed)
  }),

  examItem('what was published before the stop is there after it', async ({ broker, join }) => {
    if (join === undefined) throw new Error('This needs a store that several share.')
    const other = await join()
    const publishing = other.publish([messageTo('q', 'a')])
    await other.stop()
    await publishing
    const { inbox } = await consume(broker)
    assert.deepEqual(idsOf(await inbox.take(1)), ['a'])
  }),

  examItem('what a stopped participant still held comes back at once', async ({ broker, join }) => {
    if (join === undefined) throw new Error('This needs a store that several share.')
    const other = await join()
    await broker.publish([messageTo('q', 'a')])
    const held = await consume(other, { prefetch: 1 })
    await held.inbox.next()
    await other.stop()
    const { inbox } = await consume(broker)
    const again = await inbox.next()
    assert.deepEqual([idOf(again), again.redelivered, again.losses], ['a', true, 1])
  }),
]

function bound(name: string, type: Queue['exchange']['type'], routingKeys: readonly string[]): Queue {
  return { name, exchange: { name: 'ex', type }, routingKeys, durable: true, arguments: {} }
}

/** The queues in which a message to exchange `ex` arrives. */
async function reached(broker: BrokerUnderExam['broker'], routingKey: string): Promise<string[]> {
  const countAll = async (): Promise<Map<string, number>> =>
    new Map((await broker.admin.queues()).map(({ queue, waiting }) => [queue, waiting]))
  const before = await countAll()
  await broker.publish([{ message: wireMessage('x'), route: { exchange: 'ex', routingKey } }])
  const after = await countAll()
  return [...after].filter(([queue, waiting]) => waiting > (before.get(queue) ?? 0)).map(([queue]) => queue)
}
