import { runInNewContext } from 'node:vm'
import { assert } from 'chai'
import { Packr, Unpackr } from 'msgpackr'
import { DecodeError, Unserializable } from '../../../lib/base/errors.ts'
import { MsgpackSerializer } from '../../../lib/message/msgpack-serializer.ts'
import { TypedValue } from '../../../lib/message/typed-value.ts'
import { projectRoot, useProcesses } from '../../support/processes.ts'

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
  const processes = useProcesses()

  for (const [what, value] of values) {
    it(`writes and reads ${what}`, () => {
      assert.deepEqual(msgpack.decode(msgpack.encode(value)), value)
    })

    it(`writes ${what} as plain msgpackr reads it`, () => {
      // 'auto' is documented, but not in its types.
      const unpackr = new Unpackr({ useRecords: false, int64AsType: 'auto' as 'bigint' })

      assert.deepEqual(unpackr.unpack(Buffer.from(msgpack.encode(value))), value)
    })

    // It writes -0 as 0.
    if (what === 'floats') continue
    it(`reads ${what} as plain msgpackr writes it`, () => {
      const packr = new Packr({ useRecords: false, variableMapSize: true })

      assert.deepEqual(msgpack.decode(packr.pack(value)), value)
    })
  }

  it('keeps integers integers: Python tells them from floats', () => {
    assert.equal(hex(2 ** 32), 'cf0000000100000000')
    assert.equal(hex(-(2 ** 40)), 'd3ffffff0000000000')
    assert.equal(hex(5n), 'cf0000000000000005')
  })

  for (const [what, value, bytes] of [
    ['an empty map', {}, '80'],
    ['a map of 15 members', Object.fromEntries(Array.from({ length: 15 }, (_, i) => [i, 0])), /^8fa13000a13100/],
    ['a map of 16 members', Object.fromEntries(Array.from({ length: 16 }, (_, i) => [i, 0])), /^de0010a13000/],
    ['a float', 1.5, 'cb3ff8000000000000'],
    ['-0', -0, 'cb8000000000000000'],
    ['2^53, which is no exact integer', 2 ** 53, 'cb4340000000000000'],
    ['2^53 as a BigInt', 2n ** 53n, 'cf0020000000000000'],
    ['the largest 64-bit integer', 2n ** 64n - 1n, 'cfffffffffffffffff'],
    ['the smallest 64-bit integer', -(2n ** 63n), 'd38000000000000000'],
    ['bytes of another realm', runInNewContext('new Uint8Array([1, 2])'), 'c4020102'],
  ] as const)
    it(`writes ${what} as the specification has it`, () => {
      if (typeof bytes === 'string') assert.equal(hex(value), bytes)
      else assert.match(hex(value), bytes)
    })

  it('reads integers beyond 2^53 exactly, where a number would not be', () => {
    assert.deepEqual(decodeHex('93 cf0020000000000000 d3ffe0000000000000 cf001fffffffffffff'), [
      2n ** 53n,
      -(2n ** 53n),
      2 ** 53 - 1,
    ])
  })

  // Only without its native part does msgpackr read texts by itself, and it is chosen when msgpackr is loaded.
  for (const isNativeDisabled of ['true', 'false'])
    it(`keeps a byte order mark at the beginning of a text (native part disabled: ${isNativeDisabled})`, async () => {
      const script = `
        import { MsgpackSerializer } from './lib/message/msgpack-serializer.ts'
        const msgpack = new MsgpackSerializer({ maxDepth: 9 })
        for (const length of [0, 30, 62, 100, 300, 70_000]) {
          const text = '\\ufeff' + 'x'.repeat(length)
          const read = msgpack.decode(msgpack.encode({ [text]: [text, new Uint8Array([0xef, 0xbb, 0xbf])] }))
          console.log(length, Object.keys(read)[0] === text, read[text]?.[0] === text, read[text]?.[1].join())
        }`

      const child = processes.start(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
        cwd: projectRoot,
        env: { MSGPACKR_NATIVE_ACCELERATION_DISABLED: isNativeDisabled },
      })
      await child.succeeds()

      const expected = [0, 30, 62, 100, 300, 70_000].map((length) => `${length} true true 239,187,191\n`)
      assert.equal(child.stdout, expected.join(''))
    })

  it('keeps members whose names mean something to objects', () => {
    const value = JSON.parse(
      '{"constructor": {}, "toJSON": 1, "hasOwnProperty": 2, "__proto__": {"a": 1}, "__proto_": 3}',
    )

    const read = msgpack.decode(msgpack.encode(value)) as object

    assert.equal(JSON.stringify(read), JSON.stringify(value))
    assert.equal(Object.getPrototypeOf(read), Object.prototype)
  })

  it('returns bytes that later messages do not change, and reads without changing the bytes', () => {
    const first = msgpack.encode({ kwargs: {} })
    const before = Buffer.from(first).toString('hex')

    for (let count = 0; count < 10; count++) msgpack.encode(['other', count])
    msgpack.decode(first)

    assert.equal(Buffer.from(first).toString('hex'), before)
  })

  it('returns bytes of its own, which do not keep the message alive', () => {
    const message = Buffer.from('c403010203', 'hex')

    const bytes = msgpack.decode(message) as Uint8Array
    message.fill(0)

    assert.deepEqual(bytes, new Uint8Array([1, 2, 3]))
    assert.equal(Object.getPrototypeOf(bytes), Uint8Array.prototype)
    assert.equal(bytes.buffer.byteLength, 3)
  })

  it('refuses what is too deep for the stack, where the limit allows it', () => {
    const unlimited = new MsgpackSerializer({ maxDepth: 10_000_000 })

    assert.throws(() => unlimited.decode(Buffer.from(`${'91'.repeat(1_000_000)}01`, 'hex')), DecodeError, /too deep/)
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
    ['record definitions of msgpackr', 'd4 72 40 91 a1 61 01'],
    ['regular expressions of msgpackr', 'd4 78 00 92 a1 61 a0'],
    ['big integers of msgpackr', 'c7 01 42 05'],
    ['extensions in keys', '81 d4 00 00 01'],
    ['extensions of every size', '91 c8 0001 01 00'],
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
