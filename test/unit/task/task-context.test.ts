import { assert } from 'chai'
import { InvalidCall } from '../../../lib/base/errors.ts'
import { type Logger, silentLogger } from '../../../lib/base/logger.ts'
import {
  createDirectContext,
  currentTask,
  parentTask,
  runDirectly,
  runInContext,
  stateActions,
} from '../../../lib/task/task-context.ts'
import { Retry } from '../../../lib/task/task-signals.ts'
import { errorOf } from './support/fake-app.ts'
import { fakeContext } from './support/fake-context.ts'

describe('task context', () => {
  it('currentTask is undefined outside of tasks', () => {
    assert.isUndefined(currentTask())
    assert.isUndefined(parentTask())
  })

  it('currentTask finds the task anywhere below it, also after waiting, and each its own', async () => {
    const seen: (string | undefined)[] = []
    const work = async () => {
      await Promise.resolve()
      await new Promise((resolve) => setImmediate(resolve))
      seen.push(currentTask()?.id)
    }

    await Promise.all([runInContext(fakeContext({ id: 'a' }), work), runInContext(fakeContext({ id: 'b' }), work)])

    assert.sameMembers(seen, ['a', 'b'])
    assert.isUndefined(currentTask())
  })

  it('runInContext gives what its function gives, and throws what it throws', () => {
    assert.equal(
      runInContext(fakeContext(), () => 5),
      5,
    )
    assert.throws(
      () =>
        runInContext(fakeContext(), () => {
          throw new TypeError('boom')
        }),
      TypeError,
    )
  })

  it('parentTask is the task that the worker runs, whatever is called directly in it', () => {
    const children: unknown[] = []
    const worker = fakeContext(
      { id: 'w', rootId: 'r', priority: 3 },
      { noteChild: (tuple) => void children.push(tuple) },
    )

    runInContext(worker, () =>
      runDirectly(
        () => fakeContext({ id: 'direct' }),
        () => {
          assert.equal(currentTask()?.id, 'direct')
          assert.deepInclude(parentTask(), { id: 'w', rootId: 'r', priority: 3 })
          parentTask()?.noteChild('tuple')
        },
      ),
    )

    assert.deepEqual(children, ['tuple'])
    assert.isUndefined(
      runDirectly(
        () => fakeContext(),
        () => parentTask(),
      ),
    )
  })

  it('a direct call makes its context only when somebody asks, and once', () => {
    let made = 0
    const make = () => {
      made++
      return fakeContext()
    }

    runDirectly(make, () => {})
    assert.equal(made, 0)

    runDirectly(make, (frame) => assert.strictEqual(currentTask(), frame.context))
    assert.equal(made, 1)
  })

  describe('of a direct call', () => {
    it('retry throws the error that it was given, else a Retry', () => {
      const context = createDirectContext(fakeContext())
      const error = new TypeError('boom')

      assert.isTrue(context.isDirect)
      assert.throws(() => context.retry({ error }), TypeError, 'boom')
      assert.throws(() => context.retry(), Retry)
      assert.throws(() => context.retry({ error, countdown: -1 }), InvalidCall)
    })

    it('stores no state, but says it in the log', async () => {
      const lines: object[] = []
      const log: Logger = { ...silentLogger, debug: (fields) => void lines.push(fields) }
      const { updateState, progress } = createDirectContext(fakeContext({ name: 'math.add', log }))

      await updateState('HALFWAY', { at: 5 })
      await progress(1, 2)

      assert.deepEqual(lines, [
        { task: 'math.add', state: 'HALFWAY', meta: { at: 5 } },
        { task: 'math.add', state: 'PROGRESS', meta: { current: 1, total: 2 } },
      ])
    })
  })

  describe('stateActions', () => {
    const stored: unknown[] = []
    const { updateState, progress } = stateActions({
      storeState: async (state, meta) => void stored.push([state, meta]),
    })

    it('progress stores what Celery’s own tools show', async () => {
      stored.length = 0

      await progress(1, 10)
      await progress(2)
      await updateState('CUSTOM')

      assert.deepEqual(stored, [
        ['PROGRESS', { current: 1, total: 10 }],
        ['PROGRESS', { current: 2 }],
        ['CUSTOM', null],
      ])
    })

    it('refuse what is no progress and no state', async () => {
      for (const run of [
        () => progress(Number.NaN),
        () => progress(1, Number.POSITIVE_INFINITY),
        () => progress('1' as never),
        () => updateState(''),
        () => updateState(5 as never),
      ])
        assert.instanceOf(await errorOf(run), InvalidCall)
    })
  })
})
