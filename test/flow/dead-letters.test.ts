import { assert } from 'chai'
import { Reject, type TaskContext } from '../../lib/index.ts'
import { story } from '../support/flow.ts'
import { until } from '../support/until.ts'

story('a message that was set aside', (flow) => {
  it('keeps its reason, and runs once it is replayed', async () => {
    const app = flow.app()
    let isRepaired = false
    const work = app.task('work', (n: number) => {
      if (!isRepaired) throw new Reject('out of paper')
      return n
    })
    await flow.worker(app)
    const { admin } = await app.broker()

    const result = await work.delay(7)
    const [dead] = await until(async () => nonEmpty(await admin.deadLetters()), { what: 'the dead letter' })
    assert.deepInclude(dead, { queue: 'celery', task: 'work', taskId: result.id, reason: 'rejected' })
    assert.include(dead?.detail, 'out of paper')

    isRepaired = true
    assert.equal(await admin.replayDead([dead?.id ?? '']), 1)

    await until(async () => (await admin.counts('celery')).waiting + (await admin.counts('celery')).claimed === 0, {
      what: 'the replay to run',
    })
    assert.isEmpty(await admin.deadLetters())
  })

  it('can be dropped', async () => {
    const app = flow.app()
    const work = app.task('work', () => {
      throw new Reject('never')
    })
    await flow.worker(app)
    const { admin } = await app.broker()

    await work.delay()
    const [dead] = await until(async () => nonEmpty(await admin.deadLetters()), { what: 'the dead letter' })

    assert.equal(await admin.dropDead([dead?.id ?? '']), 1)
    assert.isEmpty(await admin.deadLetters())
  })

  it('is not set aside when its rejection asks for another try', async () => {
    const app = flow.app()
    let runs = 0
    const work = app.task({ name: 'work', bind: true }, (_: TaskContext) => {
      runs++
      if (runs === 1) throw new Reject('not here', { requeue: true })
      return runs
    })
    await flow.worker(app)

    assert.equal(await (await work.delay()).get({ timeout: '10s' }), 2)
    assert.isEmpty(await (await app.broker()).admin.deadLetters())
  })
})

function nonEmpty<T>(list: readonly T[]): readonly T[] | undefined {
  return list.length > 0 ? list : undefined
}
