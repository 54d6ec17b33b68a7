import { assert } from 'chai'
import { story } from '../support/flow.ts'

story('queues', (flow) => {
  it('are chosen by call, then task, then route, then default; a worker takes from those it was told', async () => {
    const app = flow.app({ taskRoutes: { 'mail.*': { queue: 'mail' } } })
    const byRoute = app.task('mail.send', () => 'mail')
    const byTask = app.task({ name: 'mail.bulk', queue: 'bulk' }, () => 'bulk')

    await byRoute.delay()
    await byTask.delay()
    await byTask.applyAsync([], { queue: 'urgent' })
    await app.sendTask('other')

    for (const queue of ['mail', 'bulk', 'urgent', 'celery'])
      assert.equal((await app.queue(queue).counts()).waiting, 1, queue)
    await flow.worker(app, { queues: ['urgent'] })
    const urgent = await byTask.applyAsync([], { queue: 'urgent' })
    await urgent.get({ timeout: '10s' })
    assert.equal((await app.queue('urgent').counts()).waiting, 0)
    assert.equal((await app.queue('mail').counts()).waiting, 1)
  })

  it('serve the lowest priority number first, and in order within one', async () => {
    const app = flow.app()
    const order: string[] = []
    const note = app.task('note', (what: string) => void order.push(what))
    const sent = [
      await note.applyAsync(['b1'], { priority: 5 }),
      await note.applyAsync(['b2'], { priority: 5 }),
      await note.applyAsync(['c'], { priority: 9 }),
      await note.applyAsync(['a'], { priority: 0 }),
    ]

    await flow.worker(app, { concurrency: 1 })
    for (const result of sent) await result.get({ timeout: '10s' })

    assert.deepEqual(order, ['a', 'b1', 'b2', 'c'])
  })

  it('can be paused, resumed and purged', async () => {
    const app = flow.app()
    const work = app.task('work', (n: number) => n)
    const queue = app.queue('celery')
    await queue.pause()
    await flow.worker(app)

    const held = await work.delay(1)
    assert.isTrue((await queue.counts()).paused)
    assert.equal(await held.state(), 'PENDING')
    await work.applyAsync([2], { countdown: '1h' })
    assert.equal(await queue.purge(), 2)
    const kept = await work.delay(3)
    await queue.resume()

    assert.equal(await kept.get({ timeout: '10s' }), 3)
  })
})
