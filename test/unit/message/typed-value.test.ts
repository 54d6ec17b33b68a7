import { assert } from 'chai'
import { InvalidCall } from '../../../lib/base/errors.ts'
import { TypedValue, WireDate } from '../../../lib/message/typed-value.ts'

describe('WireDate', () => {
  it('is a Date of the time that its text says', () => {
    const date = new WireDate('2026-08-09T10:11:12.345678-05:30')

    assert.instanceOf(date, Date)
    assert.equal(date.toISOString(), '2026-08-09T15:41:12.345Z')
  })

  it('knows whether it was changed since', () => {
    const date = new WireDate('2026-08-09T10:11:12')
    assert.isTrue(date.isUnchanged)

    date.setUTCHours(1)

    assert.isFalse(date.isUnchanged)
  })

  it('refuses what is no time', () => {
    assert.throws(() => new WireDate('tomorrow'), InvalidCall, /tomorrow/)
  })
})

describe('TypedValue', () => {
  it("has Python's text of the value", () => {
    assert.equal(String(new TypedValue('decimal', '1.10')), '1.10')
    assert.equal(
      String(new TypedValue('uuid', { hex: '11111111111141118111111111111111' })),
      '11111111-1111-4111-8111-111111111111',
    )
  })
})
