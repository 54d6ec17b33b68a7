import { assert } from 'chai'
import { systemClock } from '../../../lib/base/clock.ts'

/** Replaces Node's timer by one that fires when told; what was asked of it stands in `asked`. */
function recordTimers() {
  const real = globalThis.setTimeout
  const asked: { ms: number; fire: () => void; unrefed: boolean }[] = []
  globalThis.setTimeout = ((fire: () => void, ms: number) => {
    const entry = { ms, fire, unrefed: false }
    asked.push(entry)
    return { unref: () => (entry.unrefed = true) }
  }) as unknown as typeof setTimeout
  return { asked, restore: () => (globalThis.setTimeout = real) }
}

describe('systemClock', () => {
  it('makes a wait beyond 2^31 ms of shorter ones', () => {
    const { asked, restore } = recordTimers()
    try {
      let fired = false

      systemClock.timer(2 ** 31 + 5, () => (fired = true))
      for (let turn = 0; turn < 3; turn++) asked[turn]!.fire()

      assert.isFalse(fired)
      assert.lengthOf(asked, 4)
      assert.isTrue(asked.every(({ ms }) => ms > 0 && ms < 2 ** 31))
    } finally {
      restore()
    }
  })

  it('a timer does not keep the process alive unless it is asked to', () => {
    const { asked, restore } = recordTimers()
    try {
      systemClock.timer(10, () => {})
      systemClock.timer(10, () => {}, { keepAlive: true })

      assert.deepEqual(
        asked.map(({ unrefed }) => unrefed),
        [true, false],
      )
    } finally {
      restore()
    }
  })

  it('a timer that is cancelled does not fire', async () => {
    const cancel = systemClock.timer(1, () => assert.fail('it fired'))
    cancel()

    await systemClock.sleep(5)
  })

  it('a sleep ends after its time', async () => {
    const before = systemClock.monotonic()

    await systemClock.sleep(5)

    assert.isAtLeast(systemClock.monotonic() - before, 4)
  })

  it('an aborted sleep rejects with the reason, also when it was aborted before', async () => {
    const aborter = new AbortController()
    const reason = new Error('enough')
    const sleeping = systemClock.sleep(1_000_000, aborter.signal)
    aborter.abort(reason)

    for (const sleep of [sleeping, systemClock.sleep(1, aborter.signal)])
      assert.equal(await sleep.catch((error: unknown) => error), reason)
  })
})
