import { assert } from 'chai'
import fc from 'fast-check'
import { prefetchFor } from '../../../../workers/consume/prefetch.ts'

describe('prefetchFor', () => {
  it('holds nothing ahead until a task has ended', () => {
    assert.equal(prefetchFor({ concurrency: 100, multiplier: 4, runtimeMs: undefined }), 100)
  })

  it('holds what can start within 100 ms', () => {
    assert.equal(prefetchFor({ concurrency: 100, multiplier: 4, runtimeMs: 50 }), 300)
    assert.equal(prefetchFor({ concurrency: 100, multiplier: 4, runtimeMs: 1_000 }), 110)
    assert.equal(prefetchFor({ concurrency: 1, multiplier: 4, runtimeMs: 60_000 }), 1)
  })

  it('holds no more than the multiplier allows, which 1 makes the concurrency itself', () => {
    assert.equal(prefetchFor({ concurrency: 100, multiplier: 4, runtimeMs: 0 }), 400)
    assert.equal(prefetchFor({ concurrency: 100, multiplier: 1, runtimeMs: 0 }), 100)
  })

  it('is always between the concurrency and the multiplier times it, and never grows with the run time', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 10_000 }),
        fc.integer({ min: 1, max: 10 }),
        fc.double({ min: 0, max: 1e9, noNaN: true }),
        fc.double({ min: 0, max: 1e9, noNaN: true }),
        (concurrency, multiplier, shorter, more) => {
          const held = prefetchFor({ concurrency, multiplier, runtimeMs: shorter })
          const heldForLonger = prefetchFor({ concurrency, multiplier, runtimeMs: shorter + more })
          assert.isAtLeast(held, Math.min(concurrency, 65_535))
          assert.isAtMost(held, Math.min(concurrency * multiplier, 65_535))
          assert.isAtMost(heldForLonger, held)
        },
      ),
    )
  })

  it('stays within an unsigned short when there is no limit', () => {
    assert.equal(prefetchFor({ concurrency: 100, multiplier: 0, runtimeMs: 0 }), 65_535)
  })
})
