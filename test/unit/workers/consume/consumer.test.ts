import { assert } from 'chai'
import { type Deferred, deferred } from '../../../../lib/base/deferred.ts'
import type { Delivery } from '../../../../lib/broker/broker.ts'
import { FakeClock } from '../../../../lib/testing/fake-clock.ts'
import { Consumer, type ConsumerParts } from '../../../../workers/consume/consumer.ts'
import { StubBroker } from '../../../support/stub-broker.ts'

function delivery(key: number, losses = 0): Delivery {
  return { claim: { key, token: 1, queue: 'q' }, losses } as Delivery
}

/** A consumer whose tasks end when the test says so. */
async function consuming(options: Partial<ConsumerParts> = {}) {
  const broker = new StubBroker()
  const running = new Map<unknown, Deferred<void>>()
  const unstarted: unknown[] = []
  const started: unknown[] = []
  const putOff = new Map<unknown, Deferred<void>>()
  let idles = 0
  const consumer = new Consumer({
    clock: new FakeClock(),
    broker,
    queues: ['q'],
    owner: 'w@h 1',
    concurrency: 2,
    multiplier: 4,
    prefetchBytes: 1_000_000,
    maxBodyBytes: 1_000_000,
    isShort: () => false,
    leaseMs: 10_000,
    keepLease: async () => {},
    work: ({ claim }) => {
      const ending = deferred()
      running.set(claim.key, ending)
      started.push(claim.key)
      return ending.promise
    },
    onUnstarted: ({ claim }) => unstarted.push(claim.key),
    onPutOff: ({ claim }) => {
      putOff.set(claim.key, deferred())
      return putOff.get(claim.key)!.promise
    },
    onIdle: () => idles++,
    onError: () => {},
    ...options,
  })
  await consumer.start()
  const [{ options: claims, consumer: claimer }] = broker.consuming as [(typeof broker.consuming)[number]]
  return {
    consumer,
    claims,
    claimer,
    started,
    unstarted,
    putOff,
    deliverSuspects: (...keys: number[]) => claims.onDeliveries(keys.map((key) => delivery(key, 2))),
    idles: () => idles,
    deliver: (...keys: number[]) => claims.onDeliveries(keys.map((key) => delivery(key))),
    async end(key: number) {
      running.get(key)!.resolve()
      await Promise.resolve()
      await Promise.resolve()
    },
  }
}

describe('Consumer', () => {
  it('starts as many as there are slots, and the next in order as one ends', async () => {
    const { started, deliver, end } = await consuming()
    deliver(1, 2, 3)
    deliver(4)

    assert.deepEqual(started, [1, 2])
    await end(2)
    assert.deepEqual(started, [1, 2, 3])
    await end(1)
    assert.deepEqual(started, [1, 2, 3, 4])
  })

  it('takes one at a time while memory is short, and as many as ever afterwards', async () => {
    let isShort = false
    const { consumer, claimer, started, deliver, end } = await consuming({ isShort: () => isShort })
    isShort = true
    consumer.squeeze(true)
    deliver(1, 2, 3, 4)

    assert.deepEqual(claimer.prefetches, [1])
    assert.deepEqual(started, [1])
    await end(1)
    assert.deepEqual(started, [1, 2])
    isShort = false
    consumer.squeeze(false)

    assert.deepEqual(started, [1, 2, 3])
    assert.deepEqual(claimer.prefetches, [1, 2])
  })

  it('starts all of those that end on return at once, however many, and then is idle', async () => {
    const ran: unknown[] = []
    const { deliver, idles, consumer } = await consuming({ work: ({ claim }) => void ran.push(claim.key) })

    deliver(...Array.from({ length: 50_000 }, (_, key) => key))

    assert.lengthOf(ran, 50_000)
    assert.equal(idles(), 1)
    assert.equal(consumer.running, 0)
  })

  it('lets the event loop turn between tasks that block it, and stops there when it is told to', async () => {
    const clock = new FakeClock()
    let elapsed = 0
    clock.monotonic = () => elapsed
    const ran: unknown[] = []
    const { deliver, idles, consumer, unstarted } = await consuming({
      clock,
      work: ({ claim }) => {
        ran.push(claim.key)
        elapsed += 6
      },
    })

    deliver(1, 2, 3, 4, 5, 6)
    assert.deepEqual(ran, [1, 2])
    await new Promise((resolve) => setImmediate(resolve))
    assert.deepEqual(ran, [1, 2, 3, 4])
    await consumer.stop()
    await new Promise((resolve) => setImmediate(resolve))

    assert.deepEqual(ran, [1, 2, 3, 4])
    assert.deepEqual(unstarted, [5, 6])
    assert.equal(idles(), 1)
  })

  it('takes only one at a time of those that may kill their worker, and starts it when the others are stored', async () => {
    const { started, putOff, deliver, deliverSuspects, end } = await consuming()
    deliverSuspects(1, 2, 3)
    deliver(4)

    assert.deepEqual(started, [4], 'the rest goes on meanwhile')
    assert.deepEqual([...putOff.keys()], [2, 3])
    for (const each of putOff.values()) each.resolve()
    await settled()
    assert.deepEqual(started, [4, 1])

    deliverSuspects(5)
    assert.isTrue(putOff.has(5), 'while the first one runs')
    await end(1)
    deliverSuspects(6)
    await settled()
    assert.deepEqual(started, [4, 1, 6])
  })

  it('hands back one that may kill its worker when it is stopped before it could start', async () => {
    const { consumer, started, unstarted, putOff, deliverSuspects } = await consuming()
    deliverSuspects(1, 2)
    await consumer.stop()

    putOff.get(2)!.resolve()
    await settled()

    assert.deepEqual([started, unstarted], [[], [1]])
  })

  it('tells when nothing runs and nothing waits', async () => {
    const { deliver, end, idles, consumer } = await consuming()
    deliver(1, 2, 3)
    const idle = consumer.idle()

    await end(1)
    await end(2)
    assert.equal(idles(), 0)
    await end(3)

    assert.equal(idles(), 1)
    await idle
  })

  it('hands back what has not started when it stops, also what a claim under way still brings', async () => {
    const { consumer, claimer, deliver, unstarted, started } = await consuming()
    deliver(1, 2, 3, 4)
    claimer.onStop = () => deliver(5)

    await consumer.stop()

    assert.isTrue(claimer.isStopped)
    assert.deepEqual(unstarted, [3, 4, 5])
    assert.deepEqual(started, [1, 2])
    assert.equal(consumer.running, 2)
  })

  it('keeps the lease before it claims anything', async () => {
    const order: string[] = []
    const broker = new StubBroker()
    const consume = broker.consume.bind(broker)
    broker.consume = async (...given) => {
      const claimer = await consume(...given)
      claimer.start = async () => void order.push('claims')
      return claimer
    }

    await consuming({ broker, keepLease: async () => void order.push('lease') }).catch(() => {})

    assert.deepEqual(order, ['lease', 'claims'])
  })

  it('holds more ahead the shorter its tasks are, and says so only when it matters', async () => {
    const { consumer, claims, claimer } = await consuming({ concurrency: 100 })
    assert.equal(claims.prefetch, 100)

    consumer.ran(1)
    for (let i = 0; i < 20; i++) consumer.ran(1)
    assert.deepEqual(claimer.prefetches, [400])
    for (let i = 0; i < 200; i++) consumer.ran(1_000)

    assert.isAtMost(claimer.prefetches.at(-1)!, 120)
    assert.isAtMost(claimer.prefetches.length, 20)
  })
})

async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
}
