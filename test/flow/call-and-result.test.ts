import { assert } from 'chai'
import { Closed, currentTask } from '../../lib/index.ts'
import { story } from '../support/flow.ts'
import { within } from '../support/until.ts'

story('a call and its result', (flow) => {
  it('comes back with the value, or with the error that the task threw', async () => {
    const app = flow.app()
    const divide = app.task('math.divide', (x: number, y: number) => {
      if (y === 0) throw new TypeError('division by zero')
      return x / y
    })
    await flow.worker(app)

    const good = await divide.delay(1, 4)
    const bad = await divide.delay(1, 0)

    assert.equal(await good.get({ timeout: '10s' }), 0.25)
    const outcome = await bad.outcome({ timeout: '10s' })
    assert.equal(outcome.kind, 'failed')
    assert.instanceOf(outcome.kind === 'failed' && outcome.error, TypeError)
    assert.equal(await bad.state(), 'FAILURE')
    assert.isTrue(await good.successful())
  })

  it('is waited for no longer when the app is closed', async () => {
    const app = flow.app()
    const nobody = app.task('math.nobody', () => {})
    const result = await nobody.delay()
    const ending = () => result.get({ timeout: '1h' }).catch((error: Error) => error)
    const opening = ending()
    await result.state()
    const waiting = ending()
    await new Promise((resolve) => setImmediate(resolve))

    await app.close()

    for (const end of [opening, waiting]) assert.instanceOf(await within(5_000, 'the wait to end', end), Closed)
  })

  it('keeps order and ids of many calls made at once', async () => {
    const app = flow.app()
    const square = app.task('math.square', async (x: number) => x * x)
    await flow.worker(app)

    const results = await square.delayMany(Array.from({ length: 200 }, (_, index): [number] => [index]))

    const values = await Promise.all(results.map((result) => result.get({ timeout: '10s' })))
    assert.deepEqual(
      values,
      Array.from({ length: 200 }, (_, index) => index * index),
    )
  })

  it('is found again by its id, from another app over the same store, which knows the task by name only', async () => {
    const [caller, runner] = [flow.app(), flow.app()]
    runner.task('math.add', (x: number, y: number) => x + y)
    await flow.worker(runner)

    const { id } = await caller.sendTask('math.add', [20, 22])

    assert.equal(await caller.result<number>(id).get({ timeout: '10s' }), 42)
    assert.equal(await runner.result<number>(id).get({ timeout: '10s' }), 42)
  })

  it('keeps what JSON lacks: big integers, dates and bytes', async () => {
    const app = flow.app()
    const echo = app.task('echo', (value: unknown) => value)
    await flow.worker(app)
    const given = {
      big: 2n ** 70n,
      when: new Date('2026-02-03T04:05:06.789Z'),
      bytes: new Uint8Array([0, 128, 255]),
      none: null,
    }

    const got = (await (await echo.delay(given)).get({ timeout: '10s' })) as typeof given

    assert.equal(got.big, given.big)
    assert.equal(got.when.getTime(), given.when.getTime())
    assert.deepEqual([...got.bytes], [0, 128, 255])
    assert.isNull(got.none)
  })

  it('sends its link with the result, and its error link with the failed id', async () => {
    const app = flow.app()
    const seen: unknown[] = []
    let done = (): void => {}
    const bothSeen = new Promise<void>((resolve) => {
      done = () => void (seen.length === 2 && resolve())
    })
    const note = app.task('note', (what: unknown) => {
      seen.push(what)
      done()
    })
    const fail = app.task('fail', (): number => {
      throw new Error('as planned')
    })
    const add = app.task('add', (x: number, y: number) => x + y)
    await flow.worker(app)

    await add.applyAsync([40, 2], { link: note.s() })
    const failed = await fail.applyAsync([], { linkError: note.s() })
    await within(10_000, 'both links to run', bothSeen)

    assert.sameDeepMembers(seen, [42, failed.id])
  })

  it('knows the tasks that the task itself sent', async () => {
    const app = flow.app()
    const child = app.task('child', () => currentTask()?.parentId)
    const parent = app.task('parent', async () => (await child.delay()).id)
    await flow.worker(app)

    const result = await parent.delay()
    const childId = await result.get({ timeout: '10s' })

    assert.deepEqual(
      (await result.children()).map((each) => each.id),
      [childId],
    )
    assert.equal(await child.result(childId).get({ timeout: '10s' }), result.id)
  })

  it('waits no longer than it was told, and says what may be the matter', async () => {
    const app = flow.app()

    const result = await app.sendTask('nobody.runs.this')

    const error = (await result.get({ timeout: '50ms' }).catch((each: unknown) => each)) as Error & { code: string }
    assert.equal(error.code, 'UMBEL_TIMEOUT')
    assert.include(error.message, result.id)
  })
})
