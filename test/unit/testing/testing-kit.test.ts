import { AssertionError } from 'node:assert'
import { assert } from 'chai'
import {
  Reject,
  remoteTask,
  type Settings,
  sharedTask,
  type TaskContext,
  TimeoutError,
  Umbel,
} from '../../../lib/index.ts'
import { ambient } from '../../../lib/task/current-app.ts'
import {
  assertEnqueued,
  assertNothingEnqueued,
  drain,
  runTask,
  startTesting,
  type Testing,
  type TestingOptions,
} from '../../../workers/testing/index.ts'

class Busy extends Error {}

const send = sharedTask({ name: 'kit.send', queue: 'mail' }, async (to: string, copies = 1) => `${to} x ${copies}`)
const flaky = sharedTask(
  { name: 'kit.flaky', bind: true, autoretryFor: [Busy], maxRetries: 3, retryBackoff: 60 },
  async (task: TaskContext, failures: number) => {
    if (task.retries < failures) throw new Busy(`try ${task.retries}`)
    return task.retries
  },
)
const sleepy = sharedTask({ name: 'kit.sleepy', bind: true, timeLimit: '30s' }, async (task: TaskContext) => {
  await new Promise<void>((resolve) => task.signal.addEventListener('abort', () => resolve(), { once: true }))
})
const tenfold = sharedTask('kit.tenfold', (n: number) => n * 10)
const parent = sharedTask('kit.parent', async (to: string) => {
  await send.delay(to)
})

describe('startTesting', () => {
  const tests: Testing[] = []
  const apps: Umbel[] = []
  afterEach(async () => {
    for (const test of tests.splice(0).reverse()) await test.close()
    for (const app of apps.splice(0).reverse()) await app.close()
  })
  async function start(app?: Umbel, options?: TestingOptions): Promise<Testing> {
    const test = await startTesting(app, options)
    tests.push(test)
    return test
  }
  function makeApp(settings: Settings = {}): Umbel {
    const app = new Umbel('kit', { broker: 'sqlite:///nowhere/at/all/umbel.db', ...settings })
    apps.push(app)
    return app
  }

  describe('the app', () => {
    it('runs calls of shared tasks on drain, and not before', async () => {
      const test = await start()
      const result = await send.delay('a@b.c')
      const before = await result.state()

      const ran = await test.drain()

      assert.equal(before, 'PENDING')
      assert.equal(await result.get(), 'a@b.c x 1')
      assert.deepEqual(ran, [{ id: result.id, task: 'kit.send', state: 'SUCCESS' }])
    })

    it('puts an app on memory that has a broker elsewhere, for its own tasks too, and gives it back', async () => {
      const app = makeApp()
      const own = app.task('kit.own', (n: number) => n + 1)
      const { broker, clock, settings } = { broker: app.settings.brokerUrl, clock: app.clock, settings: app.settings }

      const test = await start(app)
      const result = await own.delay(1)
      await test.drain()
      const value = await result.get()
      await test.close()

      assert.equal(value, 2)
      assert.equal(app.settings, settings)
      assert.equal(app.settings.brokerUrl, broker)
      assert.equal(app.clock, clock)
    })

    it('stays the current one when another app is made meanwhile', async () => {
      const test = await start(makeApp())
      makeApp()

      await send.delay('x')

      assert.lengthOf(test.enqueued(send), 1)
      await test.close()
      assert.isEmpty(ambient().underTest ?? [])
    })

    it('sends to memory also where the settings say that tasks run at once', async () => {
      const test = await start(makeApp({ taskAlwaysEager: true }))

      await send.delay('x')

      assert.lengthOf(test.enqueued(send), 1)
      assert.deepEqual(
        (await test.drain()).map(({ state }) => state),
        ['SUCCESS'],
      )
    })

    it('keeps apart what tests do at the same time', async () => {
      const [one, other] = [await start(), await start()]

      await Promise.all([one.run(() => send.delay('one')), other.run(() => send.delay('other'))])
      await Promise.all([one.drain(), other.drain()])

      one.assertEnqueued(send, ['one'], { count: 1 })
      other.run(() => assertEnqueued(send, ['other'], { count: 1 }))
      assert.throws(() => assertEnqueued(send, ['one']), /can't tell which of 2 tests/)
    })

    it('can be closed twice, is closed by `await using`, and refuses afterwards', async () => {
      let seen: Testing
      {
        await using test = await startTesting()
        seen = test
        await send.delay('x')
      }
      await seen.close()

      const error = await seen.drain().catch((reason: unknown) => reason)

      assert.match(String(error), /Closed: This test was closed/)
    })

    it('can be closed while a task runs that never ends', async () => {
      const test = await start()
      await sleepy.delay()
      await test.clock.advance('1s')

      await test.close()
    })

    it('gives itself back when its test is closed before one that began later', async () => {
      const app = makeApp()
      const { brokerUrl } = app.settings
      const first = await start(app)
      const second = await start(app)

      await first.close()
      const between = app.settings.brokerUrl
      await second.close()

      assert.equal(between, 'memory:')
      assert.equal(app.settings.brokerUrl, brokerUrl)
    })

    it('loads what the app imports', async () => {
      let isLoaded = false
      await start(
        makeApp({
          imports: [
            async () => {
              isLoaded = true
            },
          ],
        }),
      )

      assert.isTrue(isLoaded)
    })

    it('refuses what is no app', async () => {
      const error = await startTesting({} as Umbel).catch((reason: unknown) => reason)

      assert.match(String(error), /startTesting\(\) takes the app/)
    })
  })

  describe('drain', () => {
    it('runs what follows: links, calls of tasks, retries that are due now', async () => {
      const test = await start()
      await parent.delay('deep')
      const result = await tenfold.applyAsync([4], { link: tenfold.s() })

      const ran = await test.drain()

      assert.sameMembers(
        ran.map(({ task }) => task),
        ['kit.parent', 'kit.send', 'kit.tenfold', 'kit.tenfold'],
      )
      test.assertEnqueued(tenfold, [40])
      test.assertEnqueued(send, ['deep'], { queue: 'mail' })
      assert.equal(await result.get(), 40)
    })

    it('leaves alone what is not due, and says so in what it ran', async () => {
      const test = await start()
      await send.applyAsync(['later'], { countdown: '1h' })

      assert.isEmpty(await test.drain())
    })

    it('names the task that does not end, after its time-out', async () => {
      const test = await start()
      await sleepy.delay()

      const error = await test.drain({ timeout: '50ms' }).catch((reason: unknown) => reason)

      assert.instanceOf(error, TimeoutError)
      assert.match(String(error), /Waited 0.05 s .* still running: kit.sleepy \(/)
    })

    it('ends with an error when tasks send themselves without end', async () => {
      const test = await start(makeApp())
      const endless = test.app.task('kit.endless', async (): Promise<void> => {
        await test.app.sendTask('kit.endless')
      })
      await endless.delay()

      const error = await test.drain({ timeout: '50ms' }).catch((reason: unknown) => reason)

      assert.match(String(error), /TimeoutError: .* runs have ended \(the last: kit.endless SUCCESS/)
    })

    it('waits for a task with real input and output', async () => {
      const { readFile } = await import('node:fs/promises')
      const test = await start(makeApp())
      const read = test.app.task('kit.read', async () => (await readFile('package.json', 'utf8')).length)
      const result = await read.delay()

      await test.drain()

      assert.isAbove(await result.get(), 100)
    })

    it('says which tasks nobody knows here', async () => {
      const test = await start()
      await remoteTask<() => void>('kit.elsewhere').delay()

      assert.deepEqual(
        (await test.drain()).map(({ task, state }) => [task, state]),
        [['kit.elsewhere', 'UNKNOWN']],
      )
    })
  })

  describe('the clock', () => {
    it('makes a countdown come due, each call at its own time', async () => {
      const test = await start()
      const app = test.app
      const seen: number[] = []
      app.on('taskStarted', () => void seen.push(test.clock.now() - startedAt))
      const startedAt = test.clock.now()
      await send.applyAsync(['b'], { countdown: '10m' })
      await send.applyAsync(['a'], { countdown: '5m' })

      const early = await test.clock.advance('4m')
      const late = await test.clock.advance('6m')

      assert.isEmpty(early)
      assert.lengthOf(late, 2)
      assert.deepEqual(seen, [300_000, 600_000])
    })

    it('makes retries with backoff happen', async () => {
      const test = await start()
      const result = await flaky.delay(2)

      const first = await test.drain()
      const then = await test.clock.advance('10m')

      assert.deepEqual(
        [...first, ...then].map(({ state }) => state),
        ['RETRY', 'RETRY', 'SUCCESS'],
      )
      assert.equal(await result.get(), 2)
    })

    it('runs all that is scheduled, however far ahead', async () => {
      const test = await start()
      await send.applyAsync(['x'], { countdown: '30d' })
      await flaky.delay(9)

      const ran = await test.clock.runAll()

      assert.deepEqual(
        ran.map(({ state }) => state),
        ['RETRY', 'RETRY', 'RETRY', 'FAILURE', 'SUCCESS'],
      )
    })

    it('lets a hard time limit end a task', async () => {
      const test = await start()
      const result = await sleepy.delay()

      await test.clock.advance('29s')
      const before = await result.ready()
      await test.clock.advance('1s')

      assert.isFalse(before)
      assert.match(String(((await result.outcome()) as { error?: unknown }).error), /TimeLimitExceeded: 30/)
    })

    it('lets calls and results expire', async () => {
      const test = await start(makeApp({ resultExpires: '1h' }))
      const expired = await send.applyAsync(['x'], { countdown: '2h', expires: '1h' })
      const done = await send.delay('y')
      await test.drain()

      const ran = await test.clock.advance('2h')

      assert.deepEqual(
        ran.map(({ state }) => state),
        ['REVOKED'],
      )
      assert.equal((await expired.outcome()).kind, 'revoked')
      assert.match(String(await done.get().catch((reason: unknown) => reason)), /has expired/)
    })

    it('begins where it is told to, and goes to a moment', async () => {
      const test = await start(undefined, { startsAt: new Date('2031-05-01T00:00:00Z') })

      await test.clock.advanceTo(new Date('2031-05-02T00:00:00Z'))

      assert.equal(new Date(test.clock.now()).toISOString(), '2031-05-02T00:00:00.000Z')
      const error = await test.clock.advanceTo(new Date('2031-05-01')).catch((reason: unknown) => reason)
      assert.match(String(error), /never goes back/)
    })
  })

  describe('assertEnqueued', () => {
    it('finds a call by task, arguments and options, and gives it', async () => {
      const test = await start()
      const when = new Date('2026-01-01T00:00:00Z')
      const { id } = await tenfold.applyAsync([1], { countdown: 30, priority: 3, headers: { tenant: 'x', more: 1 } })
      await test.app.sendTask('kit.dated', [when, 1n])

      const [call] = assertEnqueued(tenfold, [1], {
        countdown: '30s',
        priority: 3,
        headers: { tenant: 'x' },
        queue: 'celery',
      })
      const dated = remoteTask<(when: Date, n: bigint) => void>('kit.dated')

      assert.equal(call?.id, id)
      test.assertEnqueued(dated, [when, 1n], { count: 1, countdown: 0 })
      test.assertEnqueued(tenfold)
    })

    it('shows near misses when nothing matches', async () => {
      await start()
      await send.delay('x@y.z', 2)
      await tenfold.delay(1)

      const error = caught(() => assertEnqueued(send, ['a@b.c'], { queue: 'post' }))

      assert.instanceOf(error, AssertionError)
      assert.equal(
        (error as Error).message,
        [
          "Expected a call kit.send('a@b.c') with queue 'post'; none was sent.",
          'Calls of kit.send:',
          "  kit.send('x@y.z', 2) with queue 'mail' (different: arguments, queue)",
          'Calls of other tasks:',
          "  kit.tenfold(1) with queue 'celery'",
        ].join('\n'),
      )
    })

    it('counts', async () => {
      await start()
      await send.delay('a')
      await send.delay('a')

      assert.match(String(caught(() => assertEnqueued(send, ['a'], { count: 1 }))), /Expected 1 call .*; 2 were sent/)
      assertEnqueued(send, ['a'], { count: 2 })
      assertEnqueued(send, ['b'], { count: 0 })
    })

    it('counts a retry as the same call', async () => {
      const test = await start()
      await flaky.delay(1)

      await test.clock.runAll()

      assertEnqueued(flaky, [1], { count: 1 })
    })

    it('refuses an option that it does not compare', async () => {
      await start()

      assert.match(String(caught(() => assertEnqueued(send, ['a'], { que: 'x' } as object))), /there is no "que"/)
    })

    it('says that nothing was sent, where that is asserted', async () => {
      await start()
      assertNothingEnqueued()
      await send.delay('a')

      assertNothingEnqueued(tenfold)
      assert.match(String(caught(() => assertNothingEnqueued())), /no call was sent; 1 was:\n {2}kit.send\('a'\)/)
      assert.match(String(caught(() => assertNothingEnqueued(send))), /no call of kit.send was sent/)
    })

    it('needs a test', () => {
      assert.match(String(caught(() => assertEnqueued(send))), /needs a test: call/)
    })
  })

  describe('runTask', () => {
    const progress = sharedTask({ name: 'kit.progress', bind: true }, async (task: TaskContext, to: string) => {
      await task.progress(1, 2)
      await send.delay(to)
      return { id: task.id, retries: task.retries, attempt: task.attempt, again: task.redelivered, at: new Date(0) }
    })

    it('gives the value as the wire keeps it, what was stored on the way, and what was sent', async () => {
      const run = await runTask(progress, ['a'], { taskId: 'known', retries: 2, attempt: 3 })

      assert.equal(run.kind, 'succeeded')
      assert.deepEqual({ ...run.value, at: 0 }, { id: 'known', retries: 2, attempt: 3, again: true, at: 0 })
      assert.deepEqual(run.states, [{ state: 'PROGRESS', meta: { current: 1, total: 2 } }])
      assert.deepEqual(
        run.enqueued.map(({ task, args }) => [task, args]),
        [['kit.send', ['a']]],
      )
    })

    it('shows a retry: when, what for, and that the last one fails', async () => {
      const first = await runTask(flaky, [9])
      const third = await runTask(flaky, [9], { retries: 2 })
      const last = await runTask(flaky, [9], { retries: 3 })

      assert.equal(first.retry.countdown, 60)
      assert.equal(third.retry.countdown, 240)
      assert.instanceOf(third.retry.error, Busy)
      assert.instanceOf(last.error, Busy)
      assert.throws(() => last.value, Busy)
      assert.match(String(caught(() => first.value)), /has not ended with a value: it asked for a retry in 60 s/)
      assert.match(String(caught(() => last.retry)), /has not ended with a retry: it failed with Error: try 3/)
    })

    it('shows what a task asks for by hand', async () => {
      const again = sharedTask({ name: 'kit.again', bind: true }, (task: TaskContext, n: number) =>
        task.retry({ countdown: '2m', args: [n + 1] }),
      )
      const refuse = sharedTask('kit.refuse', () => {
        throw new Reject('not mine', { requeue: true })
      })

      const run = await runTask(again, [1])
      const refused = await runTask(refuse, [])

      assert.deepEqual({ ...run.retry, eta: 0 }, { countdown: 120, eta: 0, error: undefined, args: [2], kwargs: {} })
      assert.deepEqual(refused.ending, { kind: 'rejected', reason: 'not mine', requeue: true })
    })

    it('aborts the signal of the task with the reason of the one it is given', async () => {
      const waiting = sharedTask({ name: 'kit.waiting', bind: true }, async (task: TaskContext) => {
        task.signal.throwIfAborted()
        await new Promise((_, reject) => task.signal.addEventListener('abort', () => reject(task.signal.reason)))
      })
      const stop = new AbortController()
      const running = runTask(waiting, [], { signal: stop.signal })

      stop.abort(new RangeError('enough'))

      assert.equal((await running).error.message, 'enough')
    })

    it('sends to memory without a test too, of the app that the task belongs to', async () => {
      const app = makeApp()
      const own = app.task('kit.ownSender', async () => {
        await app.sendTask('kit.other')
      })

      const run = await runTask(own, [])

      assert.equal(run.value, null as unknown)
      assert.lengthOf(run.enqueued, 1)
      assert.include(app.settings.brokerUrl, 'nowhere')
    })

    it('lets the clock of a test reach the time limits', async () => {
      const test = await start()
      const running = test.runTask(sleepy, [])

      await test.clock.advance('30s')

      assert.match((await running).error.message, /time limit of 30 s/)
    })
  })

  it('drain() is that of the current test', async () => {
    await start()
    await send.delay('x')

    assert.lengthOf(await drain(), 1)
  })
})

function caught(fn: () => unknown): unknown {
  try {
    fn()
  } catch (error) {
    return error
  }
  throw new Error('It did not throw.')
}
