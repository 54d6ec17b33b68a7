import { assert } from 'chai'
import { Packr, Unpackr } from 'msgpackr'
import { DecodeError, Unserializable } from '../../../lib/base/errors.ts'
import { MsgpackSerializer } from '../../../lib/message/msgpack-serializer.ts'
import { TypedValue } from '../../../lib/message/typed-value.ts'

const msgpack = new MsgpackSerializer({ maxDepth: 256 })
const hex = (value: unknown) => Buffer.from(msgpack.encode(value)).toString('hex')
const decodeHex = (text: string) => msgpack.decode(Buffer.from(text.replaceAll(' ', ''), 'hex'))

const values: readonly (readonly [string, unknown])[] = [
  ['null, booleans', [null, true, false]],
  ['small integers', [0, 1, 127, -1, -32]],
  ['integers at every width', [128, 255, 256, 65535, 65536, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1]],
  ['negative integers at every width', [-33, -128, -129, -32768, -32769, -(2 ** 31), -(2 ** 31) - 1, 1 - 2 ** 53]],
  ['floats', [1.5, -0, 1e300, Number.NaN, Infinity, -Infinity, 5e-324, 2 ** 53, 2 ** 64]],
  ['BigInt up to 64 bits', [2n ** 53n + 1n, 2n ** 64n - 1n, -(2n ** 63n)]],
  [
    'strings at every width',
    ['', 'é', 'x'.repeat(31), 'x'.repeat(32), 'x'.repeat(255), 'x'.repeat(256), 'é'.repeat(40_000)],
  ],
  [
    'bytes at every width',
    [new Uint8Array(), new Uint8Array(255).fill(7), new Uint8Array(256), new Uint8Array(70_000).fill(255)],
  ],
  ['lists at every width', [[], Array(15).fill(1), Array(16).fill('a'), Array(70_000).fill(0)]],
  ['objects', { a: 1, b: { c: [] }, '': null, é: 'x' }],
  [
    'objects of more than 15 members',
    Object.fromEntries(Array.from({ length: 70_000 }, (_, index) => [`k${index}`, index])),
  ],
]

describe('MessagePack', () => {
  for (const [what, value] of values) {
    it(`writes and reads ${what}`, () => {
      assert.deepEqual(msgpack.decode(msgpack.encode(value)), value)
    })

    it(`writes ${what} as another implementation reads it`, () => {
      // 'auto' is documented, but not in its types.
      const unpackr = new Unpackr({ useRecords: false, int64AsType: 'auto' as 'bigint' })

      assert.deepEqual(unpackr.unpack(Buffer.from(msgpack.encode(value))), value)
    })

    // It writes -0 as 0.
    if (what === 'floats') continue
    it(`reads ${what} as another implementation writes it`, () => {
      const packr = new Packr({ useRecords: false, variableMapSize: true })

      assert.deepEqual(msgpack.decode(packr.pack(value)), value)
    })
  }

  it('keeps integers integers: Python tells them from floats', () => {
    assert.equal(hex(2 ** 32), 'cf0000000100000000')
    assert.equal(hex(-(2 ** 40)), 'd3ffffff0000000000')
    assert.equal(hex(5n), 'cf0000000000000005')
  })

  it('leaves undefined members out, and writes undefined alone as nil', () => {
    assert.equal(hex({ a: undefined, b: 1 }), '81a16201')
    assert.equal(hex(undefined), 'c0')
    const many = Object.fromEntries(
      Array.from({ length: 20 }, (_, index) => [`k${index}`, index % 2 ? index : undefined]),
    )
    assert.deepEqual(msgpack.decode(msgpack.encode(many)), JSON.parse(JSON.stringify(many)))
  })

  it('honours toJSON and boxed values as JSON does', () => {
    class Point {
      x = 1
    }

    assert.deepEqual(msgpack.decode(msgpack.encode([new Point(), { toJSON: () => 'x' }, new Number(2)])), [
      { x: 1 },
      'x',
      2,
    ])
  })

  for (const [what, value, message] of [
    ['dates', [[new Date()], {}], /^args\[0\] is a date/],
    ['typed values', [[new TypedValue('decimal', '1')], {}], /^args\[0\] is a typed value/],
    ['integers of more than 64 bits', [[2n ** 64n], {}], /^args\[0\] is an integer of more than 64 bits/],
    ['lone surrogates', [[{ a: '\ud800' }], {}], /^args\[0\]\.a holds a lone surrogate/],
    ['undefined in a list', [[undefined], {}], /^args\[0\] is undefined/],
    ['functions', [[], { f: () => 1 }], /^kwargs\.f is a function/],
    ['Maps', [[new Map()], {}], /^args\[0\] is a Map/],
  ] as const)
    it(`refuses ${what}, naming the path`, () => {
      assert.throws(() => msgpack.encode(value, ['args', 'kwargs']), Unserializable, message)
    })

  it('refuses cycles and too much depth on writing', () => {
    const cyclic: unknown[] = []
    cyclic.push(cyclic)

    assert.throws(() => msgpack.encode(cyclic), Unserializable, /refers back/)
    assert.throws(() => msgpack.encode(JSON.parse('['.repeat(257) + ']'.repeat(257))), Unserializable, /deeper/)
  })

  it('reads integer keys as strings, and __proto__ as own data', () => {
    assert.deepEqual(decodeHex('81 01 02'), { '1': 2 })
    const value = msgpack.decode(
      Buffer.concat([
        Buffer.from('81a9', 'hex'),
        Buffer.from('__proto__'),
        Buffer.from('81a178 01'.replace(' ', ''), 'hex'),
      ]),
    )
    assert.isTrue(Object.hasOwn(value as object, '__proto__'))
    assert.equal(Object.getPrototypeOf(value), Object.prototype)
  })

  it('reads 32-bit floats', () => {
    assert.equal(decodeHex('ca 3fc00000'), 1.5)
  })

  for (const [what, text] of [
    ['nothing', ''],
    ['an unused code', 'c1'],
    ['extensions', 'd4 01 00'],
    ['timestamps', 'd6 ff 00000000'],
    ['bytes after the value', '01 01'],
    ['a cut string', 'a5 61'],
    ['a cut integer', 'cd 01'],
    ['a list that claims more than there is', 'dd ffffffff 01'],
    ['a map that claims more than there is', 'df ffffffff a1 61 01'],
    ['bytes that claim more than there is', 'c6 ffffffff 01'],
    ['strings that are not UTF-8', 'a1 ff'],
    ['keys that are lists', '81 90 01'],
    ['keys that are floats', '81 cb3ff8000000000000 01'],
    ['keys that are nil', '81 c0 01'],
    ['too much depth', `${'91'.repeat(257)}01`],
    ['a million levels', '91'.repeat(1_000_000)],
    ['a million levels of maps', '8101'.repeat(1_000_000)],
  ])
    it(`refuses ${what}`, () => {
      assert.throws(() => decodeHex(text!), DecodeError)
    })
})
