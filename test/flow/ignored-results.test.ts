import { assert } from 'chai'
import { story } from '../support/flow.ts'
import { within } from '../support/until.ts'

story('a task whose result nobody wants', (flow) => {
  it('runs and stores nothing, and a wait for it is refused at once', async () => {
    const app = flow.app()
    let ran = (): void => {}
    const hasRun = new Promise<void>((resolve) => {
      ran = resolve
    })
    const quiet = app.task({ name: 'quiet', ignoreResult: true }, () => ran())
    const loud = app.task('loud', () => 'stored')
    await flow.worker(app)

    const result = await quiet.delay()
    await within(10_000, 'the task to run', hasRun)
    // One after it in the same queue is settled after it.
    await (await loud.delay()).get({ timeout: '10s' })

    const error = (await result.get({ timeout: '1s' }).catch((each: unknown) => each)) as { code: string }
    assert.equal(error.code, 'UMBEL_RESULTS_DISABLED')
    assert.equal(await app.result(result.id).state(), 'PENDING')
  })

  it('stores its failure all the same where that was asked for', async () => {
    const app = flow.app()
    const fails = app.task({ name: 'fails', ignoreResult: true, storeErrorsEvenIfIgnored: true }, () => {
      throw new Error('worth knowing')
    })
    await flow.worker(app)

    const { id } = await fails.delay()
    const outcome = await app.result(id).outcome({ timeout: '10s' })

    assert.equal(outcome.kind === 'failed' && outcome.error.message, 'worth knowing')
  })

  it('may be asked for by a single call', async () => {
    const app = flow.app({ taskIgnoreResult: true })
    const add = app.task('add', (x: number, y: number) => x + y)
    await flow.worker(app)

    const result = await add.applyAsync([1, 2], { ignoreResult: false })

    assert.equal(await result.get({ timeout: '10s' }), 3)
  })
})
