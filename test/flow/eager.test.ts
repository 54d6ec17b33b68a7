import { assert } from 'chai'
import type { TaskContext } from '../../lib/index.ts'
import { story } from '../support/flow.ts'

story('an eager call', (flow) => {
  it('runs here and now through the same steps: retries, context and middleware', async () => {
    const app = flow.app()
    const order: string[] = []
    app.use(async (_task, next) => {
      order.push('before')
      const value = await next()
      order.push('after')
      return value
    })
    const flaky = app.task(
      { name: 'flaky', bind: true, autoretryFor: [RangeError], retryBackoff: '1ms' },
      (task: TaskContext, n: number) => {
        order.push(`run ${task.retries}, eager ${task.isEager}`)
        if (task.retries === 0) throw new RangeError('once')
        return n
      },
    )

    const result = await flaky.applyEager([5])

    assert.equal(await result.get(), 5)
    assert.deepEqual(
      order.filter((each) => each.startsWith('run')),
      ['run 0, eager true', 'run 1, eager true'],
    )
    assert.include(order, 'after')
  })

  it('becomes of every call with taskAlwaysEager, and nothing is sent', async () => {
    const app = flow.app({ taskAlwaysEager: true })
    const add = app.task('add', (x: number, y: number) => x + y)

    const result = await add.delay(2, 3)

    assert.equal(await result.get(), 5)
    const outcome = await (await app.task('fail', () => Promise.reject(new TypeError('no'))).delay()).outcome()
    assert.instanceOf(outcome.kind === 'failed' && outcome.error, TypeError)
  })

  it('throws at the caller with taskEagerPropagates', async () => {
    const app = flow.app({ taskAlwaysEager: true, taskEagerPropagates: true })
    const fail = app.task('fail', (): number => {
      throw new TypeError('at once')
    })

    const error = await fail.delay().catch((each: unknown) => each)

    assert.instanceOf(error, TypeError)
  })
})
