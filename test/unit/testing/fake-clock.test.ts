import { assert } from 'chai'
import { FakeClock } from '../../../lib/testing/fake-clock.ts'

describe('FakeClock', () => {
  it('fires timers in the order of their due times, each at its own time', async () => {
    const clock = new FakeClock(1_000)
    const fired: [string, number][] = []
    clock.timer(30, () => fired.push(['late', clock.now()]))
    clock.timer(10, () => fired.push(['early', clock.now()]))
    clock.timer(10, () => fired.push(['early too', clock.now()]))

    await clock.advance(29)
    assert.deepEqual(fired, [
      ['early', 1_010],
      ['early too', 1_010],
    ])
    await clock.advance(1)

    assert.deepEqual(fired.at(-1), ['late', 1_030])
    assert.equal(clock.pending, 0)
  })

  it('lets what waits on a timer set another one that takes part in the same advance', async () => {
    const clock = new FakeClock()
    const startedAt = clock.monotonic()
    const woken: number[] = []
    const sleeper = (async () => {
      for (let i = 0; i < 3; i++) {
        await clock.sleep(10)
        woken.push(clock.monotonic() - startedAt)
      }
    })()

    await clock.advance(100)
    await sleeper

    assert.deepEqual(woken, [10, 20, 30])
  })

  it('forgets a cancelled timer and an aborted sleep', async () => {
    const clock = new FakeClock()
    const stop = new AbortController()
    const cancel = clock.timer(10, () => assert.fail('fired'))
    const sleep = clock.sleep(10, stop.signal).catch((reason: unknown) => reason)
    cancel()
    stop.abort('enough')

    await clock.advance(20)

    assert.equal(await sleep, 'enough')
    assert.isUndefined(clock.untilNext)
  })

  it('jumps on the wall without touching durations', async () => {
    const clock = new FakeClock(5_000)
    let fired = false
    clock.timer(10, () => {
      fired = true
    })

    clock.jump(3_600_000)
    await clock.advance(9)

    assert.isFalse(fired)
    assert.equal(clock.now(), 3_605_009)
    assert.equal(clock.monotonic(), 9)
  })

  it('is moved by a written duration too', async () => {
    const clock = new FakeClock(0)

    await clock.advance('10m')

    assert.equal(clock.now(), 600_000)
  })
})
