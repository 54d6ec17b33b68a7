import { assert } from 'chai'
import { median, medianRatio, quantile } from '../../../bench/statistics.ts'

describe('statistics of the benchmark', () => {
  it('the median is the value in the middle, whatever the order', () => {
    assert.equal(median([10, 2, 9]), 9)
    assert.equal(median([10, 2, 9, 1]), 5.5)
  })

  it('the median of nothing is no number', () => {
    assert.isNaN(median([]))
  })

  it('a quantile lies between two values by its distance from them', () => {
    assert.equal(quantile([0, 10, 20, 30], 0), 0)
    assert.closeTo(quantile([0, 10, 20, 30], 0.99), 29.7, 1e-9)
    assert.equal(quantile([0, 10, 20, 30], 1), 30)
  })

  it('leaves the values as they were', () => {
    const values = [3, 1, 2]

    median(values)

    assert.deepEqual(values, [3, 1, 2])
  })

  it('a ratio pairs what was measured in one round', () => {
    // The machine was half as fast in the second round; the ratio of the medians would be 75 / 150.
    assert.equal(medianRatio([100, 50, 100], [400, 200, 100]), 0.25)
  })

  it('a ratio leaves out rounds that lack a part, and is none without a pair', () => {
    assert.equal(medianRatio([100, undefined, 30], [50, 10, undefined]), 2)
    assert.isUndefined(medianRatio([1], [0]))
    assert.isUndefined(medianRatio([], []))
  })
})
