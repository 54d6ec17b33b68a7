import { assert } from 'chai'
import { afterLossAt, isSuspect } from '../../../lib/broker/delivery-history.ts'

const now = Date.UTC(2030, 0, 1)
const lost = (losses: number) => ({ losses, returns: 0, firstReturnedAt: undefined })

describe('delivery history', () => {
  it('offers a message again at once after its first lost worker, then after ever longer waits of up to a minute', () => {
    const waits = Array.from({ length: 12 }, (_, losses) => afterLossAt(lost(losses), 7, now)).map((at) =>
      at === undefined ? undefined : at - now,
    )

    assert.deepEqual(waits.slice(0, 2), [undefined, undefined])
    const later = waits.slice(2) as number[]
    for (const [index, ms] of later.entries()) {
      assert.isAtLeast(ms, Math.min(30_000, 125 * 2 ** index))
      assert.isAtMost(ms, Math.min(60_000, 250 * 2 ** index))
      if (index > 0 && index < 8) assert.isAbove(ms, later[index - 1]!)
    }
  })

  it('brings back apart what was lost together', () => {
    const times = Array.from({ length: 100 }, (_, id) => afterLossAt(lost(4), 1_000 + id, now)! - now)

    assert.isAbove(new Set(times).size, 90)
    assert.isBelow(Math.min(...times), 520)
    assert.isAbove(Math.max(...times), 980)
  })

  it('takes a message for suspect after two lost workers', () => {
    assert.deepEqual(
      [0, 1, 2, 3].map((losses) => isSuspect({ losses })),
      [false, false, true, true],
    )
  })
})
