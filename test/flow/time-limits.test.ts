import { assert } from 'chai'
import { SoftTimeLimitExceeded, type TaskContext } from '../../lib/index.ts'
import { story } from '../support/flow.ts'

story('a task over its time', (flow) => {
  it('is told by its signal at the soft limit, and may still return something', async () => {
    const app = flow.app()
    const patient = app.task({ name: 'patient', bind: true, softTimeLimit: '50ms' }, async (task: TaskContext) => {
      await new Promise((resolve) => task.signal.addEventListener('abort', resolve, { once: true }))
      return task.signal.reason instanceof SoftTimeLimitExceeded ? 'tidied up' : 'something else'
    })
    await flow.worker(app)

    assert.equal(await (await patient.delay()).get({ timeout: '10s' }), 'tidied up')
  })

  it('is ended at the hard limit, and its slot takes the next task', async () => {
    const app = flow.app()
    const stuck = app.task({ name: 'stuck', timeLimit: '50ms' }, () => new Promise<void>(() => {}))
    const next = app.task('next', () => 'ran')
    await flow.worker(app, { concurrency: 1 })

    const outcome = await (await stuck.delay()).outcome({ timeout: '10s' })

    assert.equal(outcome.kind === 'failed' && outcome.error.name, 'TimeLimitExceeded')
    assert.equal(await (await next.delay()).get({ timeout: '10s' }), 'ran')
  })
})
