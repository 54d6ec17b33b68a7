import { assert } from 'chai'
import type { TaskContext } from '../../lib/index.ts'
import { story } from '../support/flow.ts'

story('a task that says how far it is', (flow) => {
  it('is followed state by state, to its value', async () => {
    const app = flow.app()
    const seen: unknown[] = []
    let goOn = (): void => {}
    const steps = app.task(
      { name: 'steps', bind: true, trackStarted: true },
      async (task: TaskContext, count: number) => {
        for (let step = 1; step <= count; step++) {
          const next = new Promise<void>((resolve) => {
            goOn = resolve
          })
          await task.progress(step, count)
          // Only so that every state is seen: one that is overwritten at once may be skipped.
          await next
        }
        await task.updateState('PACKING', { boxes: 2 })
        return 'done'
      },
    )
    await flow.worker(app)

    for await (const update of await steps.delay(3)) {
      if (update.kind === 'state' && update.state === 'PROGRESS') {
        seen.push(update.meta)
        goOn()
      }
      if (update.kind === 'succeeded') seen.push(update.value)
    }

    assert.deepEqual(seen, [{ current: 1, total: 3 }, { current: 2, total: 3 }, { current: 3, total: 3 }, 'done'])
  })

  it('gives its latest state to whoever asks', async () => {
    const app = flow.app()
    let goOn = (): void => {}
    const held = app.task({ name: 'held', bind: true }, async (task: TaskContext) => {
      const released = new Promise<void>((resolve) => {
        goOn = resolve
      })
      await task.updateState('HELD', { by: 'a test' })
      await released
    })
    await flow.worker(app)
    const result = await held.delay()

    for await (const update of result) {
      if (update.state !== 'HELD') continue
      assert.equal(await result.state(), 'HELD')
      assert.deepEqual(await result.info(), { by: 'a test' })
      assert.isFalse(await result.ready())
      goOn()
    }

    assert.isTrue(await result.ready())
  })
})
