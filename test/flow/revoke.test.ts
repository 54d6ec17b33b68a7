import { assert } from 'chai'
import { type TaskContext, TaskRevoked } from '../../lib/index.ts'
import { story } from '../support/flow.ts'
import { within } from '../support/until.ts'

story('a revoked call', (flow) => {
  it('that waits does not start', async () => {
    const app = flow.app()
    let runs = 0
    const work = app.task('work', () => ++runs)

    const unwanted = await work.delay()
    await unwanted.revoke()
    const wanted = await work.delay()
    await flow.worker(app)

    assert.equal(await wanted.get({ timeout: '10s' }), 1)
    const error = await unwanted.get({ timeout: '10s' }).catch((each: unknown) => each)
    assert.instanceOf(error, TaskRevoked)
  })

  it('that runs is told by its signal when termination was asked for', async () => {
    const app = flow.app()
    let started = (): void => {}
    const hasStarted = new Promise<void>((resolve) => {
      started = resolve
    })
    let reason: unknown
    const endless = app.task({ name: 'endless', bind: true }, async (task: TaskContext) => {
      started()
      await new Promise((resolve) => task.signal.addEventListener('abort', resolve, { once: true }))
      reason = task.signal.reason
      throw reason
    })
    await flow.worker(app)

    const result = await endless.delay()
    await within(10_000, 'the task to start', hasStarted)
    await result.revoke({ terminate: true })
    const outcome = await result.outcome({ timeout: '10s' })

    assert.equal(outcome.kind, 'revoked')
    assert.instanceOf(reason, TaskRevoked)
  })
})
