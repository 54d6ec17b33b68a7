import { assert } from 'chai'
import { story } from '../support/flow.ts'
import { within } from '../support/until.ts'

story('a task with acksLate: false', (flow) => {
  it('is acknowledged before its function starts, and its result is stored all the same', async () => {
    const app = flow.app()
    let counts: unknown
    const once = app.task({ name: 'once', acksLate: false }, async () => {
      counts = await app.queue('celery').counts()
      return 'ran'
    })
    await flow.worker(app)

    const result = await once.delay()

    assert.equal(await result.get({ timeout: '10s' }), 'ran')
    assert.deepInclude(counts, { waiting: 0, claimed: 0 })
  })

  it('does not run again when its worker stops in the middle', async () => {
    const app = flow.app()
    let runs = 0
    let started = (): void => {}
    const hasStarted = new Promise<void>((resolve) => {
      started = resolve
    })
    const once = app.task({ name: 'once', acksLate: false }, async () => {
      runs++
      started()
      return runs
    })
    const first = await flow.worker(app)

    const result = await once.delay()
    await within(10_000, 'the task to start', hasStarted)
    await flow.stop(first)
    await flow.worker(app)
    const next = app.task('next', () => 'after')
    await (await next.delay()).get({ timeout: '10s' })

    assert.equal(runs, 1)
    assert.equal(await result.get({ timeout: '10s' }), 1)
  })
})
