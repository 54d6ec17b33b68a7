import { strict as assert } from 'node:assert'
import { type BrokerUnderExam, consume, idOf, idsOf, messageTo, settle } from './broker-under-exam.ts'
import { type ExamItem, examItem } from './exam.ts'

/** What comes first, and when. */
export const brokerOrderItems: readonly ExamItem<BrokerUnderExam>[] = [
  examItem('within a queue and priority, messages are delivered in publish order', async ({ broker }) => {
    const ids = Array.from({ length: 50 }, (_, index) => `m${index}`)
    await broker.publish(ids.slice(0, 20).map((id) => messageTo('q', id)))
    for (const id of ids.slice(20)) await broker.publish([messageTo('q', id)])
    const { inbox } = await consume(broker)
    assert.deepEqual(idsOf(await inbox.take(50)), ids)
  }),

  examItem('publications of one turn keep the order in which they were made', async ({ broker }) => {
    const ids = Array.from({ length: 100 }, (_, index) => `m${index}`)
    await Promise.all(ids.map((id) => broker.publish([messageTo('q', id)])))
    const { inbox } = await consume(broker)
    assert.deepEqual(idsOf(await inbox.take(100)), ids)
  }),

  examItem('messages are served in the order of priority that the capabilities say', async ({ broker }) => {
    const priorities = [5, 0, 9, 0, 5]
    await broker.publish(priorities.map((priority, index) => messageTo('q', `m${index}-${priority}`, { priority })))
    const { inbox } = await consume(broker)
    const served = idsOf(await inbox.take(5))
    const expected = {
      'lowest-first': ['m1-0', 'm3-0', 'm0-5', 'm4-5', 'm2-9'],
      'highest-first': ['m2-9', 'm0-5', 'm4-5', 'm1-0', 'm3-0'],
      none: ['m0-5', 'm1-0', 'm2-9', 'm3-0', 'm4-5'],
    }
    assert.deepEqual(served, expected[broker.capabilities.priorityOrder])
  }),

  examItem('a message with a due time is not delivered before it, and then is', async ({ broker, now, advance }) => {
    await broker.publish([messageTo('q', 'later', { notBefore: now() + 400 }), messageTo('q', 'now')])
    const { inbox } = await consume(broker)
    assert.equal(idOf(await inbox.next()), 'now')
    await advance(200)
    assert.equal(inbox.all.length, 1)
    await advance(250)
    const later = await inbox.next()
    assert.equal(idOf(later), 'later')
    assert.equal(later.redelivered, false)
  }),

  examItem('messages become due in the order of their due times', async ({ broker, now, advance }) => {
    const from = now()
    const due = { c: 300, a: 100, b: 200 }
    await broker.publish(Object.entries(due).map(([id, ms]) => messageTo('q', id, { notBefore: from + ms })))
    await advance(400)
    const { inbox } = await consume(broker)
    assert.deepEqual(idsOf(await inbox.take(3)), ['a', 'b', 'c'])
  }),

  examItem('a due time in the past means at once', async ({ broker, now }) => {
    await broker.publish([
      messageTo('q', 'first', { notBefore: now() - 5_000 }),
      messageTo('q', 'second', { notBefore: -1 }),
    ])
    const { inbox } = await consume(broker)
    assert.deepEqual(idsOf(await inbox.take(2)), ['first', 'second'])
  }),

  examItem('a due time years away is kept without harm', async ({ broker, now, advance }) => {
    await broker.publish([messageTo('q', 'far', { notBefore: now() + 1e12 }), messageTo('q', 'now')])
    const { inbox } = await consume(broker)
    assert.equal(idOf(await inbox.next()), 'now')
    await advance(100)
    assert.equal(inbox.all.length, 1)
    assert.equal((await broker.admin.counts('q')).scheduled, 1)
  }),

  examItem('a due message of high priority passes those that wait', async ({ broker, now, advance }) => {
    const [first, last] = broker.capabilities.priorityOrder === 'highest-first' ? [9, 0] : [0, 9]
    if (broker.capabilities.priorityOrder === 'none') return
    await broker.publish([
      messageTo('q', 'urgent', { priority: first, notBefore: now() + 100 }),
      messageTo('q', 'slow', { priority: last }),
    ])
    await advance(200)
    const { inbox } = await consume(broker)
    assert.deepEqual(idsOf(await inbox.take(2)), ['urgent', 'slow'])
  }),

  examItem('a message given back goes to the front, and says that it was delivered before', async ({ broker }) => {
    await broker.publish(['a', 'b', 'c'].map((id) => messageTo('q', id)))
    const { inbox } = await consume(broker, { prefetch: 1 })
    await settle(broker, await inbox.next(), { disposition: 'give-back' })
    const again = await inbox.next()
    assert.equal(idOf(again), 'a')
    assert.equal(again.redelivered, true)
    assert.deepEqual([again.losses, again.returns, again.firstReturnedAt], [0, 0, undefined])
  }),

  examItem('messages given back together keep their order', async ({ broker }) => {
    await broker.publish(['a', 'b', 'c', 'd'].map((id) => messageTo('q', id)))
    const first = await consume(broker, { prefetch: 3 })
    const taken = await first.inbox.take(3)
    await first.consumer.stop()
    await broker.settle(taken.map(({ claim }) => ({ claim, disposition: 'give-back' as const })))
    const { inbox } = await consume(broker)
    assert.deepEqual(idsOf(await inbox.take(4)), ['a', 'b', 'c', 'd'])
  }),

  examItem('a message given back until a time comes then, to the front', async ({ broker, now, advance }) => {
    await broker.publish(['a', 'b', 'c'].map((id) => messageTo('q', id)))
    const { consumer, inbox } = await consume(broker, { prefetch: 1 })
    const a = await inbox.next()
    consumer.setPrefetch(0)
    await settle(broker, a, { disposition: 'give-back', notBefore: now() + 200 })
    assert.equal((await broker.admin.counts('q')).scheduled, 1)
    await advance(300)
    consumer.setPrefetch(10)
    assert.deepEqual(idsOf(await inbox.take(3)), ['a', 'b', 'c'])
  }),

  examItem(
    'a parked message waits for its time and comes as if for the first time',
    async ({ broker, now, advance }) => {
      await broker.publish([messageTo('q', 'a')])
      const { inbox } = await consume(broker)
      await settle(broker, await inbox.next(), { disposition: 'give-back', counted: 'loss' })
      const second = await inbox.next()
      assert.equal(second.losses, 1)
      await settle(broker, second, { disposition: 'park', notBefore: now() + 200 })
      await advance(100)
      assert.equal(inbox.all.length, 2)
      await advance(200)
      const third = await inbox.next()
      assert.deepEqual([third.redelivered, third.losses, third.returns], [false, 0, 0])
    },
  ),

  examItem('several queues of one consumer are served in turn', async ({ broker }) => {
    await broker.publish(Array.from({ length: 30 }, (_, index) => messageTo('full', `f${index}`)))
    await broker.publish([messageTo('small', 's0'), messageTo('small', 's1')])
    const { inbox } = await consume(broker, { queues: ['full', 'small'], prefetch: 1 })
    const seen: string[] = []
    for (let i = 0; i < 6; i++) {
      const delivery = await inbox.next()
      seen.push(idOf(delivery))
      await settle(broker, delivery)
    }
    assert.ok(seen.includes('s0') && seen.includes('s1'), `the small queue starved: ${seen.join(', ')}`)
  }),

  examItem('what one queue leaves of a claim goes to the others', async ({ broker }) => {
    await broker.publish(Array.from({ length: 10 }, (_, index) => messageTo('a', `a${index}`)))
    await broker.publish([messageTo('b', 'b0')])
    const { inbox } = await consume(broker, { queues: ['a', 'b', 'empty'], prefetch: 11 })
    const queues = (await inbox.take(11)).map(({ queue }) => queue)
    assert.equal(queues.filter((queue) => queue === 'a').length, 10)
    assert.ok(queues.includes('b'))
  }),
]
