import { assert } from 'chai'
import { currentTask, type TaskContext } from '../../lib/index.ts'
import { story } from '../support/flow.ts'

story('a task that fails for a while', (flow) => {
  it('is retried by the kind of its error, under one id, until it succeeds', async () => {
    const app = flow.app()
    const seen: (readonly [string, number])[] = []
    const flaky = app.task(
      { name: 'flaky', bind: true, autoretryFor: [RangeError], maxRetries: 5, retryBackoff: '1ms' },
      (task: TaskContext) => {
        seen.push([task.id, task.retries])
        if (task.retries < 3) throw new RangeError('not yet')
        return 'there'
      },
    )
    await flow.worker(app)

    const result = await flaky.delay()

    assert.equal(await result.get({ timeout: '10s' }), 'there')
    assert.deepEqual(
      seen,
      [0, 1, 2, 3].map((retries) => [result.id, retries] as const),
    )
  })

  it('fails with the last error when its retries are used up', async () => {
    const app = flow.app()
    let runs = 0
    const hopeless = app.task(
      { name: 'hopeless', autoretryFor: [RangeError], maxRetries: 2, retryBackoff: '1ms' },
      () => {
        runs++
        throw new RangeError(`run ${runs}`)
      },
    )
    await flow.worker(app)

    const outcome = await (await hopeless.delay()).outcome({ timeout: '10s' })

    assert.equal(outcome.kind === 'failed' && outcome.error.message, 'run 3')
    assert.equal(runs, 3)
  })

  it('may ask for its retry itself, with other arguments', async () => {
    const app = flow.app()
    const patient = app.task({ name: 'patient', bind: true }, (task: TaskContext, tries: number): number => {
      if (task.retries === 0) throw task.retry({ countdown: '1ms', args: [tries + 1] })
      return tries
    })
    await flow.worker(app)

    assert.equal(await (await patient.delay(1)).get({ timeout: '10s' }), 2)
  })

  it('shows RETRY while it waits, and waits as long as it said', async () => {
    const app = flow.app()
    const runsAt: number[] = []
    const slow = app.task({ name: 'slow', bind: true }, (task: TaskContext) => {
      runsAt.push(Date.now())
      if (task.retries === 0) throw task.retry({ countdown: '150ms', error: new Error('busy') })
      return 'done'
    })
    await flow.worker(app)
    const states: string[] = []

    for await (const update of await slow.delay()) states.push(update.state)

    assert.deepEqual(states, ['RETRY', 'SUCCESS'])
    assert.isAtLeast((runsAt[1] ?? 0) - (runsAt[0] ?? 0), 149)
  })

  it('is not retried for an error that is excepted, nor for any other', async () => {
    const app = flow.app()
    const runs: number[] = []
    const picky = app.task(
      { name: 'picky', autoretryFor: [Error], dontAutoretryFor: [TypeError], retryBackoff: '1ms' },
      () => {
        runs.push(currentTask()?.retries ?? -1)
        throw new TypeError('no use')
      },
    )
    await flow.worker(app)

    await (await picky.delay()).outcome({ timeout: '10s' })

    assert.deepEqual(runs, [0])
  })
})
