import { strict as assert } from 'node:assert'
import type { Delivery } from '../../broker/broker.ts'
import {
  type BrokerUnderExam,
  consume,
  idOf,
  idsOf,
  messageTo,
  recordOf,
  recoveredAfterMs,
  settle,
  shortLeaseMs,
} from './broker-under-exam.ts'
import { type ExamItem, examItem, untilTrue } from './exam.ts'

/** Who holds what, for how long, and what a lost claim can still do: nothing. */
export const brokerClaimItems: readonly ExamItem<BrokerUnderExam>[] = [
  examItem('a message published while a consumer waits is delivered', async ({ broker }) => {
    const { inbox } = await consume(broker)
    await broker.publish([messageTo('q', 'a')])
    const delivery = await inbox.next()
    assert.equal(idOf(delivery), 'a')
    assert.equal(delivery.queue, 'q')
    assert.deepEqual([delivery.redelivered, delivery.losses, delivery.returns], [false, 0, 0])
  }),

  examItem('a message published by another participant wakes a waiting consumer', async ({ broker, join }) => {
    if (join === undefined) throw new Error('This needs a store that several share.')
    const { inbox } = await consume(broker)
    const other = await join()
    await other.publish([messageTo('q', 'a')])
    assert.equal(idOf(await inbox.next()), 'a')
  }),

  examItem('no more than prefetch are unsettled, and each settlement makes room', async ({ broker }) => {
    await broker.publish(Array.from({ length: 10 }, (_, index) => messageTo('q', `m${index}`)))
    const { consumer, inbox } = await consume(broker, { prefetch: 3 })
    const held = await inbox.take(3)
    assert.equal(consumer.unsettled, 3)
    await settle(broker, held[0]!)
    await inbox.next()
    assert.equal(inbox.all.length, 4)
    assert.equal(consumer.unsettled, 3)
    assert.equal((await broker.admin.counts('q')).waiting, 6)
  }),

  examItem('no more than prefetchBytes are held, and a larger message alone', async ({ broker, advance }) => {
    const large = (id: string, bytes: number) => {
      const { message, ...rest } = messageTo('q', id)
      return { ...rest, message: { ...message, body: 'x'.repeat(bytes) } }
    }
    await broker.publish([
      large('a', 4_000),
      large('b', 4_000),
      large('c', 4_000),
      large('d', 50_000),
      large('e', 4_000),
    ])
    const { inbox } = await consume(broker, { prefetchBytes: 10_000 })
    const [first, second] = await inbox.take(2)
    await advance(50)
    assert.deepEqual(idsOf(inbox.all), ['a', 'b'])
    await settle(broker, first!)
    const third = await inbox.next()
    await settle(broker, second!)
    await advance(50)
    assert.deepEqual(idsOf(inbox.all), ['a', 'b', 'c'])
    await settle(broker, third)
    const alone = await inbox.next()
    await advance(50)
    assert.deepEqual(idsOf(inbox.all), ['a', 'b', 'c', 'd'])
    await settle(broker, alone)
    assert.equal(idOf(await inbox.next()), 'e')
  }),

  examItem('prefetch 0 pauses, more goes on', async ({ broker, advance }) => {
    const { consumer, inbox } = await consume(broker, { prefetch: 0 })
    await broker.publish([messageTo('q', 'a'), messageTo('q', 'b')])
    await advance(50)
    assert.equal(inbox.all.length, 0)
    consumer.setPrefetch(1)
    assert.equal(idOf(await inbox.next()), 'a')
    consumer.setPrefetch(0)
    await settle(broker, inbox.all[0]!)
    await advance(50)
    assert.equal(inbox.all.length, 1)
    consumer.setPrefetch(2)
    assert.equal(idOf(await inbox.next()), 'b')
  }),

  examItem('concurrent consumers never get the same message', async ({ broker, join }) => {
    const brokers = [broker, join === undefined ? broker : await join()]
    const consumptions = await Promise.all([0, 1, 2, 3].map((index) => consume(brokers[index % 2]!, { prefetch: 7 })))
    const ids = Array.from({ length: 300 }, (_, index) => `m${index}`)
    const isAllDone = (): boolean =>
      consumptions.reduce((count, { inbox }) => count + inbox.all.length, 0) >= ids.length
    const working = consumptions.map(async ({ consumer, inbox }, index) => {
      for (let done = 0; !isAllDone(); done++) {
        while (inbox.all.length <= done && !isAllDone()) await new Promise((resolve) => setImmediate(resolve))
        if (inbox.all.length > done) await settle(brokers[index % 2]!, inbox.all[done]!)
      }
      await consumer.stop()
    })

    for (let from = 0; from < ids.length; from += 50)
      await broker.publish(ids.slice(from, from + 50).map((id) => messageTo('q', id)))
    await untilTrue('all messages', isAllDone)
    await Promise.all(working)
    const seen = consumptions.flatMap(({ inbox }) => idsOf(inbox.all)).sort()
    assert.deepEqual(seen, [...ids].sort())
  }),

  examItem('tokens rise with every claim of a message', async ({ broker }) => {
    await broker.publish([messageTo('q', 'a')])
    const { inbox } = await consume(broker)
    const first = await inbox.next()
    await settle(broker, first, { disposition: 'give-back' })
    const second = await inbox.next()
    assert.ok(second.claim.token > first.claim.token)
  }),

  examItem('a claim is settled once: the second time it is lost', async ({ broker }) => {
    await broker.publish([messageTo('q', 'a')])
    const { inbox } = await consume(broker)
    const delivery = await inbox.next()
    assert.equal(await settle(broker, delivery), 'settled')
    assert.equal(await settle(broker, delivery, { disposition: 'give-back' }), 'lost')
    assert.equal((await broker.admin.counts('q')).waiting, 0)
  }),

  examItem('one claim twice in one batch counts once', async ({ broker }) => {
    await broker.publish([messageTo('q', 'a'), messageTo('q', 'b')])
    const { consumer, inbox } = await consume(broker, { prefetch: 2 })
    const [a, b] = (await inbox.take(2)) as [Delivery, Delivery]
    const replies = await broker.settle([a, a, b].map(({ claim }) => ({ claim, disposition: 'done' as const })))
    assert.deepEqual(replies, ['settled', 'lost', 'settled'])
    assert.equal(consumer.unsettled, 0)
  }),

  examItem('a stopped consumer keeps its claims and gets nothing more', async ({ broker, advance }) => {
    await broker.publish([messageTo('q', 'a'), messageTo('q', 'b')])
    const { consumer, inbox } = await consume(broker, { prefetch: 1 })
    const delivery = await inbox.next()
    await consumer.stop()
    await consumer.stop()
    assert.equal(await settle(broker, delivery), 'settled')
    await advance(50)
    assert.equal(inbox.all.length, 1)
    assert.equal((await broker.admin.counts('q')).waiting, 1)
  }),

  examItem('a hanging consumer loses its claims when its lease lapses; they come back, counted', async (under) => {
    const { broker, hang, advance } = under
    await broker.publish(['a', 'b', 'c'].map((id) => messageTo('q', id)))
    const hanging = await consume(broker, { prefetch: 2, leaseMs: shortLeaseMs })
    await hanging.inbox.take(2)
    await hang(hanging.consumer)
    const { inbox } = await consume(broker, { prefetch: 3 })
    assert.equal(idOf(await inbox.next()), 'c')
    await advance(recoveredAfterMs)
    const again = await inbox.take(2)
    assert.deepEqual(idsOf(again), ['a', 'b'])
    for (const delivery of again) assert.deepEqual([delivery.redelivered, delivery.losses], [true, 1])
  }),

  examItem('while its lease holds, nobody else gets a message', async ({ broker, hang, advance }) => {
    await broker.publish([messageTo('q', 'a')])
    const holding = await consume(broker, { leaseMs: 60_000 })
    await holding.inbox.next()
    await hang(holding.consumer)
    const { inbox } = await consume(broker)
    await advance(recoveredAfterMs)
    assert.equal(inbox.all.length, 0)
  }),

  examItem('a lost claim cannot acknowledge', async ({ broker, hang, advance }) => {
    const { stale, fresh } = await loseClaim({ broker, hang, advance })
    assert.ok(fresh.claim.token > stale.claim.token)
    assert.equal(await settle(broker, stale), 'lost')
    assert.equal((await broker.admin.counts('q')).claimed, 1)
    assert.equal(await settle(broker, fresh), 'settled')
  }),

  examItem('a lost claim cannot store a result', async (under) => {
    const { broker, results } = under
    if (results === undefined) throw new Error('This needs a result backend on the same store.')
    const { stale } = await loseClaim(under)
    assert.equal(await settle(broker, stale, { record: recordOf('a') }), 'lost')
    assert.deepEqual(await results.fetch(['a']), [{ kind: 'absent' }])
  }),

  examItem('a lost claim cannot publish', async (under) => {
    const { broker } = under
    const { stale } = await loseClaim(under)
    assert.equal(await settle(broker, stale, { publish: [messageTo('next', 'follow-up')] }), 'lost')
    assert.equal((await broker.admin.counts('next')).waiting, 0)
  }),

  examItem('a lost claim cannot set a message aside or give it back', async (under) => {
    const { broker } = under
    const { stale } = await loseClaim(under)
    assert.equal(await settle(broker, stale, { disposition: 'dead-letter', reason: 'rejected' }), 'lost')
    assert.equal(await settle(broker, stale, { disposition: 'give-back' }), 'lost')
    const { dead, waiting, claimed } = await broker.admin.counts('q')
    assert.deepEqual({ dead, waiting, claimed }, { dead: 0, waiting: 0, claimed: 1 })
  }),

  examItem('in one batch the lost claim is told apart from the valid ones', async (under) => {
    const { broker } = under
    const { stale, fresh } = await loseClaim(under)
    const replies = await broker.settle([stale, fresh].map(({ claim }) => ({ claim, disposition: 'done' as const })))
    assert.deepEqual(replies, ['lost', 'settled'])
  }),

  examItem('losses add up, and returns are counted apart from them', async ({ broker, now }) => {
    await broker.publish([messageTo('q', 'a')])
    const { inbox } = await consume(broker)
    const from = now()
    await settle(broker, await inbox.next(), { disposition: 'give-back', counted: 'loss' })
    await settle(broker, await inbox.next(), { disposition: 'give-back', counted: 'return' })
    await settle(broker, await inbox.next(), { disposition: 'give-back', counted: 'return' })
    const { losses, returns, firstReturnedAt = Number.NaN } = await inbox.next()
    assert.deepEqual([losses, returns], [1, 2])
    assert.ok(firstReturnedAt >= from && firstReturnedAt <= now(), `first returned at ${firstReturnedAt}`)
  }),

  examItem('a consumer that hung and lost its claims goes on claiming', async ({ broker, hang, advance }) => {
    await broker.publish([messageTo('q', 'a')])
    const { consumer, inbox } = await consume(broker, { prefetch: 2, leaseMs: 1_000 })
    const stale = await inbox.next()
    const wake = await hang(consumer)
    const other = await consume(broker, { queues: ['elsewhere'] })
    await advance(1_900)
    wake()
    const fresh = await inbox.next()
    assert.deepEqual([idOf(fresh), fresh.losses], ['a', 1])
    assert.equal(await settle(broker, stale), 'lost')
    assert.equal(await settle(broker, fresh), 'settled')
    await other.consumer.stop()
  }),

  examItem('health can be told from the last round trip', async ({ broker, advance }) => {
    const { consumer } = await consume(broker)
    const first = consumer.lastRoundTrip
    await advance(10)
    await broker.publish([messageTo('q', 'a')])
    await untilTrue('a round trip', () => consumer.lastRoundTrip > first)
  }),
]

/** A message that one consumer has lost and another holds. */
async function loseClaim({
  broker,
  hang,
  advance,
}: Pick<BrokerUnderExam, 'broker' | 'hang' | 'advance'>): Promise<{ stale: Delivery; fresh: Delivery }> {
  await broker.publish([messageTo('q', 'a')])
  const hanging = await consume(broker, { prefetch: 1, leaseMs: shortLeaseMs })
  const stale = await hanging.inbox.next()
  await hang(hanging.consumer)
  const { inbox } = await consume(broker)
  await advance(recoveredAfterMs)
  return { stale, fresh: await inbox.next() }
}
