import { assert } from 'chai'
import { newId } from '../../../lib/base/task-id.ts'

describe('newId', () => {
  const ids = Array.from({ length: 20_000 }, newId)

  it('is a UUID of version 7', () => {
    for (const id of ids) assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  })

  it('rises, also within one millisecond, and never repeats', () => {
    assert.deepEqual(ids, [...ids].sort())
    assert.equal(new Set(ids).size, ids.length)
  })

  it('begins with the time', () => {
    const before = Date.now()

    const ms = Number.parseInt(newId().replace('-', '').slice(0, 12), 16)

    // 20,000 at once run a few milliseconds ahead of the clock.
    assert.approximately(ms, before, 50)
  })

  it('keeps its order when the clock is set back a little, and follows it further', () => {
    const { now } = Date
    const moved = (ms: number): string => {
      Date.now = () => now() + ms
      return newId()
    }
    try {
      const [ahead, alittle, far] = [moved(30_000), moved(0), moved(-86_400_000)]

      assert.isAbove(alittle!.localeCompare(ahead!), 0)
      assert.isBelow(far!.localeCompare(alittle!), 0)
    } finally {
      Date.now = now
    }
  })

  it('ends in bits that are not to be guessed', () => {
    assert.equal(new Set(ids.map((id) => id.slice(19))).size, ids.length)
  })
})
