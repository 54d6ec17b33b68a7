import { assert } from 'chai'
import { durationMs, limitMs, writtenDurationMs } from '../../../lib/base/duration.ts'
import { InvalidCall } from '../../../lib/base/errors.ts'

describe('durations', () => {
  it('a number is seconds', () => {
    assert.equal(durationMs(0.25, 'countdown'), 250)
    assert.equal(durationMs(0, 'countdown'), 0)
  })

  it('text says its unit', () => {
    const read = ['250ms', '10s', '1.5m', '2h', '1d'].map((text) => writtenDurationMs(text, 'timeout'))

    assert.deepEqual(read, [250, 10_000, 90_000, 7_200_000, 86_400_000])
  })

  it('is whole, since stores keep times as integers', () => {
    assert.equal(durationMs(1.1, 'countdown'), 1100) // 1100.0000000000002 in plain arithmetic
    assert.equal(writtenDurationMs('8.2s', 'timeout'), 8200)
  })

  for (const wrong of ['-1s', '+1s', '1e3s', '1 s', '10', 's', '', '1.s', '.5s', '1S', '1w', '0x1s', '1s\n'])
    it(`refuses ${JSON.stringify(wrong)}`, () => {
      assert.throws(() => durationMs(wrong as '1s', 'countdown'), InvalidCall, /^countdown must be a duration such as/)
    })

  for (const wrong of [-1, Number.NaN, Number.POSITIVE_INFINITY])
    it(`refuses the number ${wrong}`, () => {
      assert.throws(
        () => durationMs(wrong, 'countdown'),
        InvalidCall,
        /^countdown must be a number of seconds, 0 or more/,
      )
    })

  it('where only the written form is taken, a number is refused with the two ways to write it', () => {
    assert.throws(() => writtenDurationMs(5, 'timeout'), InvalidCall, "write '5s' or '5ms'")
  })

  it('cuts a long wrong text in the error', () => {
    try {
      writtenDurationMs('x'.repeat(5000), 'timeout')
      assert.fail('it was taken')
    } catch (error) {
      assert.isBelow((error as Error).message.length, 200)
    }
  })

  it('a limit over a day is taken for milliseconds when it has no unit', () => {
    assert.throws(() => limitMs(86_401, 'timeLimit'), InvalidCall, /did you mean milliseconds/)
    assert.equal(limitMs(86_400, 'timeLimit'), 86_400_000)
    assert.equal(limitMs('2d', 'timeLimit'), 172_800_000)
  })
})
