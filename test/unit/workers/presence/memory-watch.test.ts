import { assert } from 'chai'
import { FakeClock } from '../../../../lib/testing/fake-clock.ts'
import { MemoryWatch, memoryMarks, memoryUse } from '../../../../workers/presence/memory-watch.ts'

describe('the watch over memory', () => {
  function watching(marks = { rss: 1000, heap: 500 }) {
    const clock = new FakeClock()
    const use = { rss: 100, heap: 100 }
    const told: boolean[] = []
    let looks = 0
    const watch = new MemoryWatch({
      clock,
      marks,
      use: () => {
        looks++
        return { ...use }
      },
      onChange: (isShort) => void told.push(isShort),
    })
    return { clock, use, told, watch, looks: () => looks }
  }

  it('tells when memory is short, and when it is so no more, by itself', async () => {
    const { clock, use, told, watch } = watching()
    assert.isFalse(watch.isShort(1, false))

    use.rss = 1001
    await clock.advance(250)
    assert.isTrue(watch.isShort(1, false))
    use.rss = 950
    await clock.advance(250)
    assert.deepEqual(told, [true])
    use.rss = 899
    await clock.advance(250)

    assert.deepEqual(told, [true, false])
    assert.equal(clock.pending, 0)
  })

  it('looks at the heap as well', async () => {
    const { clock, use, told, watch } = watching()
    use.heap = 501
    watch.isShort(1, false)

    assert.deepEqual(told, [true])
    await watch.stop()
    assert.equal(clock.pending, 0)
  })

  it('looks four times a second, and after each mebibyte, however small it was packed', () => {
    const { watch, looks } = watching()
    for (let index = 0; index < 1000; index++) watch.isShort(100, false)
    assert.equal(looks(), 1)

    watch.isShort(1024 * 1024, false)
    assert.equal(looks(), 2)
    watch.isShort(2000, true)
    assert.equal(looks(), 3)
  })

  it('has marks that this process is below, one of its own, or none', () => {
    const now = memoryUse()
    const marks = memoryMarks(null)!

    assert.isAbove(marks.rss, now.rss)
    assert.isAbove(marks.heap, now.heap)
    assert.equal(memoryMarks(123)!.rss, 123)
    assert.isUndefined(memoryMarks(0))
  })
})
