import { assert } from 'chai'
import fc from 'fast-check'
import { formatIsoTime } from '../../../lib/message/iso-time.ts'
import { parseJson } from '../../../lib/message/json-parser.ts'
import { JsonSerializer } from '../../../lib/message/json-serializer.ts'
import { MsgpackSerializer } from '../../../lib/message/msgpack-serializer.ts'
import { TypedValue, WireDate } from '../../../lib/message/typed-value.ts'

const json = new JsonSerializer({ typedValues: 'kombu', maxDepth: 64 })
const msgpack = new MsgpackSerializer({ maxDepth: 64 })

const earliest = new Date(-62_135_596_800_000)
const latest = new Date(253_402_300_799_999)
const anyText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: fc.constantFrom('a', '"', '\\', '\ud800', '\udc00', '\n', '\u2028', 'é') }),
)
const key = fc.oneof(
  anyText,
  fc.constantFrom('__proto__', 'constructor', '__type__', '__value__', 'toString', 'toJSON', '0'),
)
const bigInteger = fc
  .bigInt({ min: -(2n ** 300n), max: 2n ** 300n })
  .filter((value) => value > BigInt(Number.MAX_SAFE_INTEGER) || value < BigInt(Number.MIN_SAFE_INTEGER))
const wireDate = fc
  .date({ min: earliest, max: latest, noInvalidDate: true })
  .map((date) => new WireDate(formatIsoTime(date.getTime())))
const typed = fc.oneof(
  fc.constantFrom('1.10', '0', '-1E+5').map((text) => new TypedValue('decimal', text)),
  fc.uuid().map((uuid) => new TypedValue('uuid', { hex: uuid.replaceAll('-', '') })),
  fc
    .tuple(
      fc.constantFrom('date', 'money', '', 'é"'),
      fc.jsonValue().filter((value) => !hasPair(value)),
    )
    .map(([type, value]) => new TypedValue(type, value)),
)

function hasPair(value: unknown): boolean {
  return JSON.stringify(value).includes('__type__')
}

/** No object of exactly the two keys of a typed value, which is refused. */
function isNoPair(value: object): boolean {
  return !(Object.keys(value).length === 2 && Object.hasOwn(value, '__type__') && Object.hasOwn(value, '__value__'))
}

const anyValue = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    fc.oneof(
      anyText,
      fc.double(),
      fc.integer(),
      fc.maxSafeInteger(),
      fc.boolean(),
      fc.constant(null),
      bigInteger,
      wireDate,
      typed,
      fc.uint8Array(),
    ),
    fc.array(tie('value'), { maxLength: 5 }),
    fc
      .array(fc.tuple(key, tie('value')), { maxLength: 5 })
      .map((entries) =>
        Object.fromEntries(entries.filter(([name, value]) => name !== 'toJSON' || typeof value !== 'function')),
      )
      .filter(isNoPair),
  ),
})).value

describe('JSON, whatever the value', () => {
  it('comes back as it was', () => {
    fc.assert(
      fc.property(anyValue, (value) => {
        assert.deepEqual(json.decode(json.encode(value)), value)
      }),
      { numRuns: 2000 },
    )
  })

  it('is written the same again', () => {
    fc.assert(
      fc.property(anyValue, (value) => {
        const text = json.encode(value)
        assert.equal(json.encode(json.decode(text)), text)
        assert.equal(json.encode(json.decode(Buffer.from(text))), text)
      }),
      { numRuns: 1000 },
    )
  })

  it('is read by both parsers alike, where both can', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 8, stringUnit: 'binary' }), fc.constantFrom('', ' ', '\n\t'), (text, space) => {
        const spaced = space + text + space
        assert.deepEqual(inexact(parseJson(spaced, 100)), JSON.parse(spaced))
      }),
      { numRuns: 2000 },
    )
  })

  it('is refused by both parsers alike, where it is damaged', () => {
    const damaged = fc
      .tuple(
        fc.json({ maxDepth: 4 }),
        fc.nat(),
        fc.constantFrom('', ',', '"', '\\', '}', ']', 'x', '1', '-', '.', '\u0000'),
      )
      .map(
        ([text, at, piece]) => text.slice(0, at % (text.length + 1)) + piece + text.slice((at % (text.length + 1)) + 1),
      )
    fc.assert(
      fc.property(damaged, (text) => {
        const isJson = succeeds(() => JSON.parse(text))
        assert.equal(
          succeeds(() => parseJson(text, 100)),
          isJson,
        )
      }),
      { numRuns: 3000 },
    )
  })

  it('never changes what all objects inherit', () => {
    const before = Object.getOwnPropertyNames(Object.prototype).sort()
    fc.assert(
      fc.property(fc.array(fc.tuple(key, fc.jsonValue())), (entries) => {
        json.decode(
          `{${entries.map(([name, value]) => `${JSON.stringify(name)}:{"polluted":${JSON.stringify(value)}}`).join(',')}}`,
        )
        assert.isUndefined(({} as any).polluted)
      }),
      { numRuns: 500 },
    )
    assert.deepEqual(Object.getOwnPropertyNames(Object.prototype).sort(), before)
  })
})

describe('MessagePack, whatever the value', () => {
  const packable = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 5 },
      fc.oneof(
        ...[
          fc.string({ unit: 'grapheme' }),
          fc.double(),
          fc.integer(),
          fc.maxSafeInteger(),
          fc.boolean(),
          fc.constant(null),
          fc.uint8Array(),
        ],
        fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }).filter((value) => !Number.isSafeInteger(Number(value))),
      ),
      fc.array(tie('value'), { maxLength: 20 }),
      fc
        .array(fc.tuple(fc.string({ unit: 'grapheme' }), tie('value')), { maxLength: 20 })
        .map((entries) => Object.fromEntries(entries)),
    ),
  })).value

  it('comes back as it was', () => {
    fc.assert(
      fc.property(packable, (value) => {
        assert.deepEqual(msgpack.decode(msgpack.encode(value)), value)
      }),
      { numRuns: 1500 },
    )
  })
})

/** With every BigInt as the number that JSON.parse makes of its digits. */
function inexact(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value)
  if (Array.isArray(value)) return value.map(inexact)
  return typeof value === 'object' && value !== null
    ? Object.fromEntries(Object.entries(value).map(([name, member]) => [name, inexact(member)]))
    : value
}

function succeeds(act: () => unknown): boolean {
  try {
    act()
    return true
  } catch {
    return false
  }
}
