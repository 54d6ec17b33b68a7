import { assert } from 'chai'
import { z } from 'zod'
import { BrokerUnavailable, InvalidCall } from '../../../lib/base/errors.ts'
import type { Call } from '../../../lib/publish/call.ts'
import type { AsyncResult } from '../../../lib/result/async-result.ts'
import { ambient } from '../../../lib/task/current-app.ts'
import { sharedTask } from '../../../lib/task/shared-task.ts'
import { runInContext } from '../../../lib/task/task-context.ts'
import { currentFakeApp, errorOf, FakeApp, isolateTasks, startsAt } from './support/fake-app.ts'
import { fakeContext } from './support/fake-context.ts'

const addTask = () => sharedTask('math.add', (x: number, y: number) => x + y)
const pairs = (count: number) => Array.from({ length: count }, (_, index): [number, number] => [index, 1])

describe('delayMany', () => {
  isolateTasks()

  it('sends all of them in order, as one batch, and gives their results in order', async () => {
    const app = currentFakeApp()

    const results = await addTask().delayMany(
      [
        [1, 1],
        [2, 2],
        [3, 3],
      ],
      { countdown: 1, queue: 'math' },
    )

    assert.deepEqual(
      app.batches.map((batch) => batch.map((call) => call.args)),
      [
        [
          [1, 1],
          [2, 2],
          [3, 3],
        ],
      ],
    )
    assert.deepEqual(
      results.map((result) => result.id),
      app.sent.map((call) => call.id),
    )
    assert.deepInclude(app.lastCall, { eta: startsAt + 1000 })
    assert.equal(app.lastCall.destination.queue, 'math')
  })

  it('sends nothing for an empty list', async () => {
    const app = currentFakeApp()

    assert.deepEqual(await addTask().delayMany([]), [])
    assert.isEmpty(app.batches)
  })

  it('sends a thousand at a time', async () => {
    const app = currentFakeApp()

    const results = await addTask().delayMany(pairs(2500))

    assert.deepEqual(
      app.batches.map((batch) => batch.length),
      [1000, 1000, 500],
    )
    assert.lengthOf(results, 2500)
  })

  it('asks an endless generator for no more than the broker takes', async () => {
    class FullApp extends FakeApp {
      override async send(calls: readonly Call[]): Promise<AsyncResult<unknown>[]> {
        if (this.batches.length === 2) throw new BrokerUnavailable('full')
        return super.send(calls)
      }
    }
    const app = new FullApp()
    ambient().apps.push(app)
    let made = 0
    let isClosed = false
    async function* endless(): AsyncGenerator<[number, number]> {
      try {
        while (true) yield [made++, 1]
      } finally {
        isClosed = true
      }
    }

    const error = await errorOf(() => addTask().delayMany(endless()))

    assert.instanceOf(error, BrokerUnavailable)
    assert.equal(made, 3000)
    assert.isTrue(isClosed)
  })

  it('takes generators of both kinds', async () => {
    const app = currentFakeApp()
    const add = addTask()

    await add.delayMany(
      (function* () {
        for (let i = 0; i < 3; i++) yield [i, i] as [number, number]
      })(),
    )
    await add.delayMany(
      (async function* () {
        yield [7, 7] as const
      })(),
    )

    assert.deepEqual(
      app.sent.map((call) => call.args[0]),
      [0, 1, 2, 7],
    )
  })

  it('says which call was refused, why, and how many were sent before', async () => {
    const app = currentFakeApp()
    const add = sharedTask({ name: 'math.sum', params: ['x', 'y'] }, (x: number, y: number) => x + y)

    const early = await errorOf(() => add.delayMany([[1, 1], [2] as never]))
    const late = await errorOf(() => add.delayMany([...pairs(1005), [1] as never]))

    assert.instanceOf(early, InvalidCall)
    assert.equal(
      early.message,
      "Call 2 of delayMany() of math.sum was refused: math.sum() missing 1 required argument: 'y' Nothing was sent.",
    )
    assert.instanceOf(early.cause, TypeError)
    assert.match(late.message, /^Call 1006 .* The first 1000 were sent\.$/)
    assert.lengthOf(app.sent, 1000)
  })

  it('waits for asynchronous schemas, keeping the order', async () => {
    const app = currentFakeApp()
    const input = z.object({ n: z.number().refine(async (n) => n !== 3) })
    const task = sharedTask({ name: 'slow', input }, (i) => i.n)

    await task.delayMany([[{ n: 1 }], [{ n: 2 }]])
    const error = await errorOf(() => task.delayMany([[{ n: 1 }], [{ n: 3 }]]))

    assert.deepEqual(
      app.sent.map((call) => call.kwargs),
      [{ n: 1 }, { n: 2 }],
    )
    assert.match(error.message, /^Call 2 .*refused by its schema/)
  })

  it('refuses what can’t be many calls', async () => {
    currentFakeApp()
    const add = addTask()

    assert.match((await errorOf(() => add.delayMany(5 as never))).message, /takes a list of argument lists/)
    assert.match((await errorOf(() => add.delayMany([1, 2] as never))).message, /Call 1 .*must be a list, not 1/)
    assert.match((await errorOf(() => add.delayMany([[1, 1]], { taskId: 'x' }))).message, /one taskId to many calls/)
    assert.match((await errorOf(() => add.delayMany([], { cuontdown: 1 } as object))).message, /Unknown option/)
  })

  it('makes all of them children of the task that runs', async () => {
    const app = currentFakeApp()
    const children: unknown[] = []
    const worker = fakeContext({ id: 'w', rootId: 'r' }, { noteChild: (tuple) => void children.push(tuple) })

    await runInContext(worker, () =>
      addTask().delayMany([
        [1, 1],
        [2, 2],
      ]),
    )

    assert.deepEqual(
      children,
      app.sent.map((call) => [[call.id, null], null]),
    )
    assert.isTrue(app.sent.every((call) => call.parentId === 'w' && call.rootId === 'r'))
  })
})
