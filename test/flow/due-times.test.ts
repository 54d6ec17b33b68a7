import { assert } from 'chai'
import { story } from '../support/flow.ts'
import { until } from '../support/until.ts'

story('a call for later', (flow) => {
  it('is kept by the store over the end of its worker, and does not start early', async () => {
    const app = flow.app()
    let startedAt = 0
    const later = app.task('later', () => {
      startedAt = Date.now()
      return 'ran'
    })
    const first = await flow.worker(app)
    const due = Date.now() + 300

    const result = await later.applyAsync([], { eta: new Date(due) })
    await flow.stop(first)
    assert.deepInclude(await app.queue('celery').counts(), { scheduled: 1, claimed: 0, waiting: 0 })
    await flow.worker(app)

    assert.equal(await result.get({ timeout: '10s' }), 'ran')
    assert.isAtLeast(startedAt, due)
  })

  it('lets others past it meanwhile', async () => {
    const app = flow.app()
    const order: string[] = []
    const note = app.task('note', (what: string) => void order.push(what))
    await flow.worker(app, { concurrency: 1 })

    const last = await note.applyAsync(['later'], { countdown: '200ms' })
    const first = await note.delay('now')
    await Promise.all([last.get({ timeout: '10s' }), first.get({ timeout: '10s' })])

    assert.deepEqual(order, ['now', 'later'])
  })

  it('that has expired is recorded as revoked and does not run', async () => {
    const app = flow.app()
    let runs = 0
    const stale = app.task('stale', () => void runs++)

    const sentAt = Date.now()
    const result = await stale.applyAsync([], { expires: '30ms' })
    const fresh = await stale.applyAsync([], { expires: '1h' })
    await until(() => Date.now() > sentAt + 40, { what: 'the call to expire' })
    await flow.worker(app)
    await fresh.get({ timeout: '10s' })

    const outcome = await result.outcome({ timeout: '10s' })
    assert.equal(outcome.kind, 'revoked')
    assert.equal(await result.state(), 'REVOKED')
    assert.equal(runs, 1)
  })
})
