import { assert } from 'chai'
import { story } from '../support/flow.ts'
import { until } from '../support/until.ts'

story('a task that no worker knows yet', (flow) => {
  it('waits for the worker that knows it, and runs there', async () => {
    const [old, young] = [flow.app(), flow.app()]
    const oldWorker = await flow.worker(old)
    const unknown: string[] = []
    old.on('taskUnknown', ({ task }) => void unknown.push(task))

    const result = await old.sendTask('deployed.later', [21])
    await until(() => unknown.length >= 2, { what: 'the old worker to give it back twice' })
    young.task('deployed.later', (n: number) => n * 2)
    await flow.worker(young)
    await flow.stop(oldWorker)

    assert.equal(await result.get({ timeout: '15s' }), 42)
    assert.include(unknown, 'deployed.later')
  })

  it('reaches the worker that knows it although another, that does not, keeps running', async () => {
    const [old, young] = [flow.app(), flow.app()]
    await flow.worker(old)
    const unknown: string[] = []
    old.on('taskUnknown', ({ task }) => void unknown.push(task))
    young.task('deployed.later', (n: number) => n * 2)

    const results = await Promise.all(Array.from({ length: 20 }, (_, n) => old.sendTask('deployed.later', [n])))
    await until(() => unknown.length >= 40, { what: 'the old worker to give each back twice' })
    await flow.worker(young)

    const values = await Promise.all(results.map((result) => result.get({ timeout: '15s' })))
    assert.deepEqual(
      values,
      Array.from({ length: 20 }, (_, n) => n * 2),
    )
  })

  it('is set aside with NotRegistered when nobody came to know it in time', async () => {
    const app = flow.app({ unknownTaskLimit: '100ms' })
    await flow.worker(app)

    const result = await app.sendTask('nobody.knows')
    const outcome = await result.outcome({ timeout: '15s' })

    assert.equal(outcome.kind === 'failed' && outcome.error.name, 'NotRegistered')
    const [dead] = await (await app.broker()).admin.deadLetters()
    assert.deepInclude(dead, { task: 'nobody.knows', taskId: result.id, reason: 'unknown-task' })
  })
})
