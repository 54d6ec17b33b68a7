import { assert } from 'chai'
import fc from 'fast-check'
import { retryDelay } from '../../../lib/base/backoff.ts'

describe('retryDelay', () => {
  it('doubles up to its limit', () => {
    const delays = [0, 1, 2, 3, 4, 5].map((attempts) => retryDelay(attempts, { firstMs: 100, maxMs: 1000 }))

    assert.deepEqual(delays, [100, 200, 400, 800, 1000, 1000])
  })

  it('jitter is any whole number from 0 to the wait, both included', () => {
    const at = (random: number) => retryDelay(1, { firstMs: 5, maxMs: 1000, jitter: true, random: () => random })

    assert.equal(at(0), 0)
    assert.equal(at(0.9999999), 10)
  })

  it('stays whole, finite and within its limit for any number of attempts', () => {
    fc.assert(
      fc.property(fc.nat(1e9), fc.nat(1e6), fc.nat(1e9), fc.boolean(), (attempts, firstMs, maxMs, jitter) => {
        const delay = retryDelay(attempts, { firstMs, maxMs, jitter })
        assert.isTrue(Number.isInteger(delay) && delay >= 0 && delay <= maxMs, String(delay))
      }),
    )
  })

  it('never shrinks as attempts grow', () => {
    fc.assert(
      fc.property(fc.nat(100), fc.nat(1000), fc.nat(1e6), (attempts, firstMs, maxMs) => {
        const options = { firstMs, maxMs }
        assert.isAtLeast(retryDelay(attempts + 1, options), retryDelay(attempts, options))
      }),
    )
  })
})
