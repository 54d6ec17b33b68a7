import { assert } from 'chai'
import { InvalidCall } from '../../../lib/base/errors.ts'
import { formatIsoTime, parseIsoTime } from '../../../lib/message/iso-time.ts'

describe('formatIsoTime', () => {
  it('always writes six digits and a numeric offset, which every Python reads', () => {
    assert.equal(formatIsoTime(Date.UTC(2026, 10, 22, 13, 24, 24, 55)), '2026-11-22T13:24:24.055000+00:00')
    assert.equal(formatIsoTime(0), '1970-01-01T00:00:00.000000+00:00')
    assert.equal(formatIsoTime(-1), '1969-12-31T23:59:59.999000+00:00')
  })

  it('keeps fractions of a millisecond as microseconds', () => {
    assert.equal(formatIsoTime(1.25), '1970-01-01T00:00:00.001250+00:00')
  })

  it('knows the years 1 to 9999, as Python does, and refuses others', () => {
    assert.equal(formatIsoTime(-62_135_596_800_000), '0001-01-01T00:00:00.000000+00:00')
    assert.equal(formatIsoTime(253_402_300_799_999), '9999-12-31T23:59:59.999000+00:00')
    for (const ms of [-62_135_596_800_001, 253_402_300_800_000, Number.NaN, Infinity])
      assert.throws(() => formatIsoTime(ms), InvalidCall)
  })
})

describe('parseIsoTime', () => {
  const noon = Date.UTC(2026, 7, 9, 12, 0, 0)

  for (const [text, ms] of [
    ['2026-08-09T12:00:00+00:00', noon],
    ['2026-08-09T12:00:00Z', noon],
    ['2026-08-09t12:00:00z', noon],
    ['2026-08-09T14:00:00+02:00', noon],
    ['2026-08-09T14:00:00+0200', noon],
    ['2026-08-09T14:00:00+02', noon],
    ['2026-08-09T06:30:00-05:30', noon],
    ['2026-08-09T12:00:01+00:00:01', noon],
    ['2026-08-09T12:00', noon],
    ['2026-08-09 12:00:00', noon],
    ['20260809T120000Z', noon],
    ['2026-08-09', Date.UTC(2026, 7, 9)],
    ['2026-08-09T12:00:00.5Z', noon + 500],
    ['2026-08-09T12:00:00.123456789Z', noon + 123],
    ['2026-08-09T12:00:00,123Z', noon + 123],
    ['2024-02-29T00:00:00Z', Date.UTC(2024, 1, 29)],
    ['0001-01-01T00:00:00Z', -62_135_596_800_000],
    ['0099-12-31T00:00:00Z', Date.parse('0099-12-31T00:00:00Z')],
  ] as const)
    it(`reads ${text}`, () => {
      assert.equal(parseIsoTime(text), ms)
    })

  for (const text of [
    ...[
      '',
      'tomorrow',
      '2026',
      '2026-13-01',
      '2026-00-10',
      '2026-02-30',
      '2025-02-29',
      '0000-01-01',
      '2026-08-09T24:00:00',
    ],
    ...[
      '2026-08-09T12:60:00',
      '2026-08-09T12:00:60',
      '2026-08-09T12:00:00+24:00',
      '2026-08-09T12:00:00 CET',
      '2026-08-09T12:00:00.',
    ],
    ...['1795355000', '2026-08-09T12:00:00Z\n', `2026-08-09T12:00:00.${'1'.repeat(100)}Z`, '２０２６-08-09'],
  ])
    it(`does not read ${JSON.stringify(text.slice(0, 40))}`, () => {
      assert.isUndefined(parseIsoTime(text))
    })
})
