import { assert } from 'chai'
import { nearestName } from '../../../lib/base/nearest-name.ts'

const names = ['taskSerializer', 'taskRoutes', 'taskQueues', 'resultExpires']

describe('nearestName', () => {
  it('finds a name with a letter changed, left out, added or swapped', () => {
    for (const wrong of ['taskSerialiser', 'taskSerializr', 'taskSerializzer', 'taskSerializre'])
      assert.equal(nearestName(wrong, names), 'taskSerializer', wrong)
  })

  it('counts neither capitals nor separators', () => {
    assert.equal(nearestName('TASK_ROUTES', names), 'taskRoutes')
    assert.equal(nearestName('result-expires', names), 'resultExpires')
  })

  it('finds nothing when nothing is near', () => {
    assert.isUndefined(nearestName('banana', names))
    assert.isUndefined(nearestName('', names))
    assert.isUndefined(nearestName('taskRoutes', []))
  })

  it('prefers the nearer of two', () => {
    assert.equal(nearestName('mails', ['mail', 'male', 'nails2']), 'mail')
  })

  it('looks at the first 100 characters of a hostile name only', () => {
    const before = performance.now()

    nearestName('a'.repeat(10_000_000), names)

    assert.isBelow(performance.now() - before, 1000)
  })
})
