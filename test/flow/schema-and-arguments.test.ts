import { assert } from 'chai'
import { z } from 'zod'
import { story } from '../support/flow.ts'

story('arguments', (flow) => {
  it('by name reach the parameters they name, from a caller that knows only the name', async () => {
    const [caller, runner] = [flow.app(), flow.app()]
    runner.task({ name: 'report', params: ['year', 'format?'] }, (year: number, format = 'pdf') => `${year}.${format}`)
    await flow.worker(runner)

    const named = await caller.sendTask('report', [], { kwargs: { format: 'html', year: 2026 } })
    const wrong = await caller.sendTask('report', [2026], { kwargs: { colour: 'red' } })

    assert.equal(await named.get({ timeout: '10s' }), '2026.html')
    const outcome = await wrong.outcome({ timeout: '10s' })
    assert.instanceOf(outcome.kind === 'failed' && outcome.error, TypeError)
    assert.match(outcome.kind === 'failed' ? outcome.error.message : '', /colour/)
  })

  it('are checked by a schema at the caller, and parsed again in the worker', async () => {
    const app = flow.app()
    const input = z.object({ when: z.coerce.date(), times: z.number().default(1) })
    const plan = app.task({ name: 'plan', input }, ({ when, times }) => `${when.getUTCFullYear()} x ${times}`)
    await flow.worker(app)

    const result = await plan.delay({ when: '2026-02-03T00:00:00Z' })
    const refused = (await plan.delay({ when: 'never' }).catch((each: unknown) => each)) as { code: string }

    assert.equal(await result.get({ timeout: '10s' }), '2026 x 1')
    assert.equal(refused.code, 'UMBEL_SCHEMA')
  })

  it('that cannot travel are refused at the caller, by their path', async () => {
    const app = flow.app()
    const take = app.task('take', (_: unknown) => {})
    const loop: { self?: unknown } = {}
    loop.self = loop

    for (const [value, path] of [
      [{ when: [() => 1] }, 'args[0].when[0]'],
      [loop, 'args[0].self'],
      [{ a: Symbol('s') }, 'args[0].a'],
    ] as const) {
      const error = (await take.delay(value).catch((each: unknown) => each)) as Error & { code: string }
      assert.equal(error.code, 'UMBEL_UNSERIALIZABLE')
      assert.include(error.message, path)
    }
  })

  it('over the limit are refused at the caller', async () => {
    const app = flow.app({ taskMaxMessageSize: 1_024 })
    const take = app.task('take', (text: string) => text.length)

    const error = (await take.delay('x'.repeat(2_000)).catch((each: unknown) => each)) as { code: string }

    assert.equal(error.code, 'UMBEL_MESSAGE_TOO_LARGE')
  })
})
