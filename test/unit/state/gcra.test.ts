import { assert } from 'chai'
import fc from 'fast-check'
import { decideRate } from '../../../lib/state/gcra.ts'

describe('a rate limit', () => {
  it('never allows more than its burst at once and its limit on the average', () => {
    const rates = fc.record({
      limit: fc.integer({ min: 1, max: 50 }),
      periodMs: fc.integer({ min: 1, max: 10_000 }),
      burst: fc.integer({ min: 1, max: 50 }),
    })
    fc.assert(
      fc.property(rates, fc.array(fc.nat(500), { maxLength: 200 }), (rate, pauses) => {
        let fullAt: number | undefined
        let now = 1_000_000
        const allowed: number[] = []
        for (const pause of pauses) {
          now += pause
          const decision = decideRate(fullAt, now, rate)
          fullAt = decision.fullAt
          if (decision.allowed) allowed.push(now)
        }
        // In any span from one allowed request to another: the burst, and what the span earns.
        for (let i = 0; i < allowed.length; i++) {
          for (let j = i; j < allowed.length; j++) {
            const earned = ((allowed[j]! - allowed[i]!) * rate.limit) / rate.periodMs
            assert.isAtMost(j - i + 1, rate.burst + earned + 1e-6)
          }
        }
      }),
    )
  })

  it('allows at the time it names, and not a millisecond before', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_000 }), fc.integer({ min: 1, max: 100_000 }), (limit, periodMs) => {
        const rate = { limit, periodMs, burst: 1 }
        const { fullAt } = decideRate(undefined, 0, rate)
        const { allowed, retryAfterMs } = decideRate(fullAt, 0, rate)
        assert.isFalse(allowed)
        assert.isTrue(decideRate(fullAt, retryAfterMs, rate).allowed)
        if (retryAfterMs >= 1) assert.isFalse(decideRate(fullAt, retryAfterMs - 1, rate).allowed)
      }),
    )
  })

  it('is not closed for long by a clock that was set back', () => {
    const rate = { limit: 10, periodMs: 1_000 }
    const { fullAt } = decideRate(undefined, 5_000_000, rate)
    const { allowed, retryAfterMs } = decideRate(fullAt, 1_000, rate)
    assert.isFalse(allowed)
    assert.isAtMost(retryAfterMs, 1_000)
  })
})
