import { assert } from 'chai'
import { Umbel } from '../../../lib/app/app.ts'
import type { Settings } from '../../../lib/app/config.ts'
import { BrokerUnavailable, Closed, InvalidCall, LoadFailed } from '../../../lib/base/errors.ts'
import { silentLogger } from '../../../lib/base/logger.ts'
import type { ConsumeOptions, Consumer, Delivery } from '../../../lib/broker/broker.ts'
import { MemoryBroker } from '../../../lib/broker/memory/memory-broker.ts'
import { MemoryResultBackend } from '../../../lib/result/memory/memory-result-backend.ts'
import { MemoryStateStore } from '../../../lib/state/memory-state-store.ts'
import type { TaskContext } from '../../../lib/task/task-context.ts'
import { FakeClock } from '../../../lib/testing/fake-clock.ts'
import { Worker } from '../../../workers/worker.ts'

describe('Worker', () => {
  const apps: Umbel[] = []
  afterEach(async () => {
    for (const app of apps.splice(0)) await app.close()
  })

  function setUp(settings: Settings = {}) {
    const clock = new FakeClock()
    const app = new Umbel('worker-test', { broker: 'memory://', logger: silentLogger, ...settings }, { clock, env: {} })
    apps.push(app)
    return { app, clock }
  }
  /** A task that says when it has begun and ends when told. */
  function stepping(app: Umbel, options: object = {}) {
    const begun: TaskContext[] = []
    const ends: (() => void)[] = []
    const task = app.task({ name: 'stepping', bind: true, ...options }, async (context: TaskContext) => {
      begun.push(context)
      await new Promise<void>((resolve) => ends.push(resolve))
      return 'done'
    })
    return { task, begun, ends }
  }
  const counts = async (app: Umbel): Promise<number[]> => {
    const { waiting, claimed } = await app.queue('celery').counts()
    return [waiting, claimed]
  }

  it('tells when it is ready, stops and has stopped', async () => {
    const { app } = setUp()
    const told: unknown[] = []
    for (const event of ['workerReady', 'workerStopping', 'workerStopped'] as const)
      app.on(event, (what) => void told.push([event, what]))
    const worker = new Worker(app, { hostname: 'w1@test' })

    await worker.start()
    await worker.stop()

    assert.deepEqual(told, [
      ['workerReady', { hostname: 'w1@test', queues: ['celery'] }],
      ['workerStopping', { hostname: 'w1@test', how: 'warm' }],
      ['workerStopped', { hostname: 'w1@test' }],
    ])
  })

  it('starts and stops once, however often it is asked, in whatever order', async () => {
    const { app } = setUp()
    const worker = new Worker(app)
    await Promise.all([worker.start(), worker.start(), worker.stop(), worker.stop({ how: 'cold' })])
    const never = new Worker(app)
    await never.stop()

    const error = await never.start().catch((reason: unknown) => reason)

    assert.instanceOf(error, Closed)
  })

  it('takes from the queues it was given, less those left out', async () => {
    const { app } = setUp({ taskQueues: ['mail', 'reports', 'slow'] })
    const all = new Worker(app, { excludeQueues: ['slow'] })
    const some = new Worker(app, { queues: ['mail', 'other'] })
    const none = new Worker(app, { queues: ['mail'], excludeQueues: ['mail'] })

    await all.start()
    await some.start()
    const error = await none.start().catch((reason: unknown) => reason)
    await Promise.all([all.stop(), some.stop()])

    assert.deepEqual(
      [all.queues, some.queues],
      [
        ['mail', 'reports'],
        ['mail', 'other'],
      ],
    )
    assert.instanceOf(error, InvalidCall)
  })

  it('does not start when a task module can’t be loaded, and leaves nothing behind', async () => {
    const { app, clock } = setUp({ imports: [() => Promise.reject(new Error('no such table'))] })

    const error = await new Worker(app).start().catch((reason: unknown) => reason)

    assert.instanceOf(error, LoadFailed)
    assert.equal(clock.pending, 0)
  })

  it('stops when a part can’t be started, and leaves nothing behind', async () => {
    const { app, clock } = setUp()
    const broker = await app.broker()
    broker.consume = () => Promise.reject(new BrokerUnavailable('down'))
    const before = clock.pending

    const error = await new Worker(app).start().catch((reason: unknown) => reason)

    assert.instanceOf(error, BrokerUnavailable)
    assert.equal(clock.pending, before)
  })

  describe('stopping warm', () => {
    it('finishes what runs and gives back what has not started', async () => {
      const { app, clock } = setUp()
      const { task, begun, ends } = stepping(app)
      const worker = new Worker(app, { concurrency: 1 })
      await worker.start()
      const first = await task.delay()
      await task.delay()
      await clock.advance(10)

      const stopping = worker.stop()
      await clock.advance(3_600_000)
      assert.isFalse(begun[0]!.signal.aborted)
      ends[0]!()
      await stopping

      assert.equal(await first.get(), 'done')
      assert.lengthOf(begun, 1)
      assert.deepEqual(await counts(app), [1, 0])
    })

    it('turns cold after its time', async () => {
      const { app, clock } = setUp()
      const { task, begun } = stepping(app)
      const worker = new Worker(app)
      await worker.start()
      const result = await task.delay()
      await clock.advance(10)

      const stopping = worker.stop({ timeout: '5s' })
      await clock.advance(4_999)
      assert.isFalse(begun[0]!.signal.aborted)
      await clock.advance(1)
      assert.equal((begun[0]!.signal.reason as Error).name, 'WorkerShutdown')
      await clock.advance(1_000)
      await stopping

      assert.equal(await result.state(), 'PENDING')
      assert.deepEqual(await counts(app), [1, 0])
    })

    it('refuses a wrong way and a time without its unit', () => {
      const worker = new Worker(setUp().app)

      assert.throws(() => worker.stop({ how: 'hot' as 'warm' }), InvalidCall)
      assert.throws(() => worker.stop({ timeout: 5 as never }), InvalidCall)
    })
  })

  describe('stopping cold', () => {
    it('lets what runs go on for workerSoftShutdownTimeout first, and takes nothing new', async () => {
      const { app, clock } = setUp({ workerSoftShutdownTimeout: 5 })
      const { task, begun } = stepping(app)
      const worker = new Worker(app)
      await worker.start()
      const result = await task.delay()
      await clock.advance(10)

      const stopping = worker.stop({ how: 'cold' })
      await clock.advance(4_999)
      assert.isFalse(begun[0]!.signal.aborted)
      await clock.advance(1)
      assert.isTrue(begun[0]!.signal.aborted)
      await clock.advance(1_600)
      await stopping

      assert.equal(await result.state(), 'PENDING')
      assert.deepEqual(await counts(app), [1, 0])
    })

    it('leaves no timer behind, in whatever stage what ran has ended', async () => {
      for (const [how, options] of [
        ['soft', { how: 'cold' }],
        ['timed', { how: 'warm', timeout: '1h' }],
        ['hurried', { how: 'warm', timeout: '10ms' }],
      ] as const) {
        const { app, clock } = setUp({ workerSoftShutdownTimeout: how === 'soft' ? 3_600 : 0 })
        const { task, ends } = stepping(app)
        const before = clock.pending
        const worker = new Worker(app)
        await worker.start()
        await task.delay()
        await clock.advance(10)

        const stopping = worker.stop(options)
        await clock.advance(100)
        for (const end of ends) end()
        await clock.advance(10)
        await stopping

        assert.equal(clock.pending, before, how)
      }
    })

    it('waits for a claim under way, and gives back what that brings', async () => {
      const clock = new FakeClock()
      const broker = new SlowBroker({ clock })
      const open = {
        broker: async () => broker,
        resultBackend: async () => new MemoryResultBackend({ clock }),
        stateStore: async () => new MemoryStateStore({ clock }),
      }
      const app = new Umbel('worker-test', { broker: 'memory://', logger: silentLogger }, { clock, env: {}, open })
      apps.push(app)
      const { task } = stepping(app)
      const worker = new Worker(app)
      await worker.start()
      await task.delay()
      await clock.advance(10)
      assert.deepEqual(await counts(app), [0, 1])

      const left = worker.stop({ how: 'cold' }).then(() => counts(app))
      await clock.advance(200)

      assert.deepEqual(await left, [1, 0])
    })

    it('asked for again in its soft stage, is cold at once', async () => {
      const { app, clock } = setUp({ workerSoftShutdownTimeout: 5 })
      const { task, begun } = stepping(app)
      const worker = new Worker(app)
      await worker.start()
      await task.delay()
      await clock.advance(10)

      const stopping = [worker.stop({ how: 'cold' }), worker.stop({ how: 'cold' })]
      await clock.advance(1)
      assert.isTrue(begun[0]!.signal.aborted)
      await clock.advance(1_600)
      await Promise.all(stopping)

      assert.deepEqual(await counts(app), [1, 0])
    })

    it('keeps what still ends in its grace, gives back the rest uncounted, within 1.6 s', async () => {
      const { app, clock } = setUp()
      const heeds = app.task({ name: 'heeds', bind: true }, async ({ signal }: TaskContext) => {
        await new Promise((resolve) => signal.addEventListener('abort', resolve))
        return 'in time'
      })
      const { task } = stepping(app)
      const worker = new Worker(app)
      await worker.start()
      const kept = await heeds.delay()
      const given = await task.delay()
      await clock.advance(10)

      const stopping = worker.stop({ how: 'cold' })
      await clock.advance(1_600)
      await stopping

      assert.equal(await kept.get(), 'in time')
      assert.equal(await given.state(), 'PENDING')
      assert.deepEqual(await counts(app), [1, 0])
      const next = new Worker(app)
      const attempts: number[] = []
      app.on('taskStarted', () => void attempts.push(next.running().length))
      await next.start()
      await clock.advance(10)
      assert.lengthOf(attempts, 1)
      void next.stop({ how: 'cold' })
      await clock.advance(2_000)
    })

    it('hurries a warm stop', async () => {
      const { app, clock } = setUp()
      const { task } = stepping(app)
      const worker = new Worker(app)
      await worker.start()
      await task.delay()
      await clock.advance(10)

      const warm = worker.stop()
      await clock.advance(60_000)
      const cold = worker.stop({ how: 'cold' })
      await clock.advance(1_600)
      await Promise.all([warm, cold])

      assert.deepEqual(await counts(app), [1, 0])
    })

    it('does not wait for a store that is down', async () => {
      const { app, clock } = setUp()
      const { task } = stepping(app)
      const once = app.task({ name: 'once', acksLate: false }, () => assert.fail('it ran unacknowledged'))
      const worker = new Worker(app)
      await worker.start()
      await task.delay()
      await clock.advance(10)
      const broker = await app.broker()
      broker.settle = () => Promise.reject(new BrokerUnavailable('down'))
      await once.delay()
      await clock.advance(10)

      const stopping = worker.stop({ how: 'cold' })
      await clock.advance(2_000)

      await stopping
    })
  })
})

/** What was claimed comes 100 ms after its consumer was told to stop. */
class SlowBroker extends MemoryBroker {
  readonly #waits: FakeClock

  constructor(options: { clock: FakeClock }) {
    super(options)
    this.#waits = options.clock
  }

  override async consume(queues: readonly string[], options: ConsumeOptions): Promise<Consumer> {
    const held: Delivery[] = []
    const consumer = await super.consume(queues, { ...options, onDeliveries: (batch) => void held.push(...batch) })
    const stop = consumer.stop.bind(consumer)
    consumer.stop = async () => {
      if (held.length > 0) {
        await this.#waits.sleep(100)
        options.onDeliveries(held.splice(0))
      }
      await stop()
    }
    return consumer
  }
}
