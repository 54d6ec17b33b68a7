import { strict as assert } from 'node:assert'
import { type Delivery, deadLetterReasons } from '../../broker/broker.ts'
import type { ResultBackend } from '../../result/result-backend.ts'
import { type BrokerUnderExam, consume, idOf, idsOf, messageTo, recordOf, settle } from './broker-under-exam.ts'
import { type ExamItem, examItem, untilTrue } from './exam.ts'

/** What a settlement does, and that it does all of it or nothing; what happens to messages set aside. */
export const brokerSettleItems: readonly ExamItem<BrokerUnderExam>[] = [
  examItem('a message that is done is gone', async ({ broker, advance }) => {
    const delivery = await deliver(broker, 'a')
    assert.equal(await settle(broker, delivery), 'settled')
    const { inbox } = await consume(broker)
    await advance(50)
    assert.equal(inbox.all.length, 0)
    const { waiting, scheduled, claimed, dead } = await broker.admin.counts('q')
    assert.deepEqual([waiting, scheduled, claimed, dead], [0, 0, 0, 0])
  }),

  examItem('replies come in the order of the batch', async ({ broker }) => {
    await broker.publish(['a', 'b', 'c'].map((id) => messageTo('q', id)))
    const { inbox } = await consume(broker)
    const [a, b, c] = (await inbox.take(3)) as [Delivery, Delivery, Delivery]
    await settle(broker, b)
    const replies = await broker.settle([a, b, c].map(({ claim }) => ({ claim, disposition: 'done' as const })))
    assert.deepEqual(replies, ['settled', 'lost', 'settled'])
  }),

  examItem('an empty batch is no trouble', async ({ broker }) => {
    assert.deepEqual(await broker.settle([]), [])
    await broker.publish([])
  }),

  examItem('record, follow-ups and acknowledgement are one settlement', async (under) => {
    const { broker } = under
    const delivery = await deliver(broker, 'a')
    const reply = await settle(broker, delivery, {
      record: recordOf('a'),
      publish: [messageTo('next', 'b'), messageTo('next', 'c')],
    })
    assert.equal(reply, 'settled')
    assert.deepEqual(await resultsOf(under).fetch(['a']), [{ kind: 'record', record: recordOf('a') }])
    const { inbox } = await consume(broker, { queues: ['next'] })
    assert.deepEqual(idsOf(await inbox.take(2)), ['b', 'c'])
  }),

  examItem('a settlement that can not be done whole is not done at all', async (under) => {
    const { broker } = under
    const delivery = await deliver(broker, 'a')
    const unroutable = { ...messageTo('next', 'b'), route: { exchange: 'nowhere', routingKey: 'x' } }
    const settling = broker.settle([
      {
        claim: delivery.claim,
        disposition: 'done',
        record: recordOf('a'),
        publish: [messageTo('next', 'c'), unroutable],
      },
    ])
    await assert.rejects(settling, { code: 'UMBEL_UNROUTABLE' })
    assert.deepEqual(await resultsOf(under).fetch(['a']), [{ kind: 'absent' }])
    assert.equal((await broker.admin.counts('next')).waiting, 0)
    assert.equal(await settle(broker, delivery), 'settled')
  }),

  examItem('one bad settlement does not spoil others that are made at the same time', async ({ broker }) => {
    await broker.publish([messageTo('q', 'a'), messageTo('q', 'b')])
    const { inbox } = await consume(broker)
    const [a, b] = (await inbox.take(2)) as [Delivery, Delivery]
    const unroutable = { ...messageTo('next', 'c'), route: { exchange: 'nowhere', routingKey: 'x' } }
    const [bad, good] = await Promise.allSettled([
      broker.settle([{ claim: a.claim, disposition: 'done', publish: [unroutable] }]),
      broker.settle([{ claim: b.claim, disposition: 'done' }]),
    ])
    assert.equal(bad.status, 'rejected')
    assert.deepEqual(good, { status: 'fulfilled', value: ['settled'] })
  }),

  examItem('a record with a give-back is stored too', async (under) => {
    const { broker } = under
    const delivery = await deliver(broker, 'a')
    const record = recordOf('a', { state: 'RETRY' })
    await settle(broker, delivery, { disposition: 'give-back', record })
    assert.deepEqual(await resultsOf(under).fetch(['a']), [{ kind: 'record', record }])
  }),

  examItem('a follow-up with a due time waits for it', async ({ broker, now, advance }) => {
    const delivery = await deliver(broker, 'a')
    await settle(broker, delivery, { publish: [messageTo('next', 'b', { notBefore: now() + 200 })] })
    assert.equal((await broker.admin.counts('next')).scheduled, 1)
    const { inbox } = await consume(broker, { queues: ['next'] })
    await advance(300)
    assert.equal(idOf(await inbox.next()), 'b')
  }),

  examItem('a follow-up to the same queue is delivered to the same consumer', async ({ broker }) => {
    await broker.publish([messageTo('q', 'a')])
    const { inbox } = await consume(broker, { prefetch: 1 })
    await settle(broker, await inbox.next(), { publish: [messageTo('q', 'b')] })
    assert.equal(idOf(await inbox.next()), 'b')
  }),

  examItem('a message set aside is kept with its reason, its bytes and its names', async ({ broker, now }) => {
    const from = now()
    const delivery = await deliver(broker, 'a')
    await settle(broker, delivery, { disposition: 'dead-letter', reason: 'malformed', detail: 'no such header' })
    const [letter, ...others] = await broker.admin.deadLetters()
    assert.equal(others.length, 0)
    assert.ok(letter !== undefined)
    const { queue, reason, detail, taskId, task, deadSince } = letter
    const expected = { queue: 'q', reason: 'malformed', detail: 'no such header', taskId: 'a', task: 'exam.task' }
    assert.deepEqual({ queue, reason, detail, taskId, task }, expected)
    assert.ok(deadSince >= from && deadSince <= now())
    assert.ok(letter.raw.length > 0)
    assert.equal(letter.message?.body, delivery.message.body)
    assert.equal((await broker.admin.counts('q')).dead, 1)
  }),

  examItem('every reason is kept as it is', async ({ broker }) => {
    await broker.publish(deadLetterReasons.map((reason) => messageTo('q', reason)))
    const { inbox } = await consume(broker)
    const batch = (await inbox.take(deadLetterReasons.length)).map((delivery, index) => ({
      claim: delivery.claim,
      disposition: 'dead-letter' as const,
      reason: deadLetterReasons[index],
    }))
    await broker.settle(batch)
    const letters = await broker.admin.deadLetters()
    assert.deepEqual(
      letters.map(({ reason, taskId }) => [reason, taskId]),
      deadLetterReasons.map((reason) => [reason, reason]),
    )
  }),

  examItem('dead letters are listed oldest first, by queue, and page by page', async ({ broker }) => {
    for (const [queue, id] of [
      ['q', 'a'],
      ['r', 'b'],
      ['q', 'c'],
    ] as const)
      await setAside(broker, queue, id)
    const all = await broker.admin.deadLetters()
    assert.deepEqual(
      all.map(({ taskId }) => taskId),
      ['a', 'b', 'c'],
    )
    assert.deepEqual(
      (await broker.admin.deadLetters({ queue: 'q' })).map(({ taskId }) => taskId),
      ['a', 'c'],
    )
    assert.deepEqual(await broker.admin.deadLetters({ queue: 'unheard-of' }), [])
    const page = await broker.admin.deadLetters({ after: all[0]!.id, limit: 1 })
    assert.deepEqual(
      page.map(({ taskId }) => taskId),
      ['b'],
    )
  }),

  examItem('a dead letter is found by its id, and an unknown id is not', async ({ broker }) => {
    await setAside(broker, 'q', 'a')
    const [letter] = await broker.admin.deadLetters()
    assert.equal((await broker.admin.deadLetter(letter!.id))?.taskId, 'a')
    assert.equal(await broker.admin.deadLetter('nothing-of-that-name'), undefined)
    assert.equal(await broker.admin.deadLetter('999999'), undefined)
  }),

  examItem('a replayed dead letter comes again as new, at the end of its queue', async ({ broker }) => {
    await setAside(broker, 'q', 'a')
    await broker.publish([messageTo('q', 'b')])
    const [letter] = await broker.admin.deadLetters()
    assert.equal(await broker.admin.replayDead([letter!.id, '999999']), 1)
    assert.deepEqual(await broker.admin.deadLetters(), [])
    const { inbox } = await consume(broker)
    const [b, a] = (await inbox.take(2)) as [Delivery, Delivery]
    assert.deepEqual([idOf(b), idOf(a)], ['b', 'a'])
    assert.deepEqual([a.redelivered, a.losses, a.returns], [false, 0, 0])
  }),

  examItem('a dropped dead letter is gone', async ({ broker }) => {
    await setAside(broker, 'q', 'a')
    const [letter] = await broker.admin.deadLetters()
    assert.equal(await broker.admin.dropDead([letter!.id]), 1)
    assert.equal(await broker.admin.dropDead([letter!.id]), 0)
    assert.deepEqual(await broker.admin.deadLetters(), [])
  }),

  examItem(
    'what is no message is set aside with its bytes, and the good ones behind it are delivered',
    async (under) => {
      const { broker, damage } = under
      if (damage === undefined) throw new Error('This needs a store that others can write to.')
      const bad = [Buffer.from('{"cut of'), Buffer.from([0xff, 0xfe, 0x00, 0x80]), Buffer.from('[]'), Buffer.from('')]
      for (const raw of bad) await damage('q', raw)
      await broker.publish([messageTo('q', 'good')])
      const { consumer, inbox } = await consume(broker)
      assert.equal(idOf(await inbox.next()), 'good')
      await untilTrue('the dead letters', async () => (await broker.admin.counts('q')).dead === bad.length)
      const letters = await broker.admin.deadLetters()
      for (const [index, { reason, raw, message }] of letters.entries()) {
        assert.equal(reason, 'undecodable')
        assert.deepEqual(Buffer.from(raw), bad[index])
        assert.equal(message, undefined)
      }
      assert.equal(consumer.unsettled, 1)
      assert.deepEqual(inbox.errors, [])
    },
  ),
]

function resultsOf({ results }: BrokerUnderExam): ResultBackend {
  if (results === undefined) throw new Error('This needs a result backend on the same store.')
  return results
}

/** Publishes one message and claims it. */
async function deliver(broker: BrokerUnderExam['broker'], id: string, queue = 'q'): Promise<Delivery> {
  await broker.publish([messageTo(queue, id)])
  const { consumer, inbox } = await consume(broker, { queues: [queue], prefetch: 1 })
  const delivery = await inbox.next()
  await consumer.stop()
  return delivery
}

async function setAside(broker: BrokerUnderExam['broker'], queue: string, id: string): Promise<void> {
  await settle(broker, await deliver(broker, id, queue), { disposition: 'dead-letter', reason: 'rejected' })
}
