import { assert } from 'chai'
import { DecodeError, Unserializable } from '../../../lib/base/errors.ts'
import { JsonSerializer } from '../../../lib/message/json-serializer.ts'
import { TypedValue, WireDate } from '../../../lib/message/typed-value.ts'

const json = new JsonSerializer({ typedValues: 'kombu', maxDepth: 256 })
const plain = new JsonSerializer({ typedValues: 'plain', maxDepth: 256 })
const bytes = (...values: number[]) => new Uint8Array(values)
const nested = (levels: number, open: string, close: string) => open.repeat(levels) + close.repeat(levels)

describe('JSON encoding', () => {
  for (const [what, value, text] of [
    ['plain data', { a: [1, 'x', null, true, 1.5], b: {} }, '{"a":[1,"x",null,true,1.5],"b":{}}'],
    ['BigInt of any size', [10n ** 30n, -5n], '[1000000000000000000000000000000,-5]'],
    ['NaN and the infinities, as Python', [Number.NaN, Infinity, -Infinity], '[NaN,Infinity,-Infinity]'],
    ['-0 as a float, since -0 is 0 to Python', [-0], '[-0.0]'],
    [
      'integers that are floats beyond 2^53, as floats',
      [2 ** 53, -(2 ** 60), 1e21],
      '[9007199254740992.0,-1152921504606847000.0,1e+21]',
    ],
    ['the largest exact integers, as integers', [2 ** 53 - 1, 1 - 2 ** 53], '[9007199254740991,-9007199254740991]'],
    ['lone surrogates, escaped', ['\ud800', 'a\udc00'], '["\\ud800","a\\udc00"]'],
    [
      'members that are undefined, by leaving them out',
      { a: undefined, b: 1, c: [{ d: undefined }] },
      '{"b":1,"c":[{}]}',
    ],
    ['undefined alone, as null', undefined, 'null'],
    [
      'a date',
      [new Date(Date.UTC(2026, 7, 9, 10, 11, 12, 345))],
      '[{"__type__":"datetime","__value__":"2026-08-09T10:11:12.345000+00:00"}]',
    ],
    [
      'a date that came, with its text',
      [new WireDate('2026-08-09T10:11:12')],
      '[{"__type__":"datetime","__value__":"2026-08-09T10:11:12"}]',
    ],
    ['bytes that are UTF-8', [Buffer.from('é')], '[{"__type__":"bytes","__value__":"é"}]'],
    ['other bytes', [bytes(0, 255)], '[{"__type__":"base64","__value__":"AP8="}]'],
    ['a typed value', [new TypedValue('decimal', '1.10')], '[{"__type__":"decimal","__value__":"1.10"}]'],
    [
      'typed values in typed values',
      new TypedValue('money', [new TypedValue('decimal', '1'), 5n]),
      '{"__type__":"money","__value__":[{"__type__":"decimal","__value__":"1"},5]}',
    ],
    ['boxed primitives', [new Number(1), new String('x'), new Boolean(false), Object(7n)], '[1,"x",false,7]'],
    ['objects without a prototype', Object.assign(Object.create(null), { a: 1n }), '{"a":1}'],
    ['own members named __proto__', JSON.parse('{"__proto__": {"x": 1}, "n": 1}'), '{"__proto__":{"x":1},"n":1}'],
    [
      'one of the two keys of a pair',
      [{ __type__: 'x' }, { __value__: 1 }, { __type__: 'x', __value__: 1, more: 1 }],
      '[{"__type__":"x"},{"__value__":1},{"__type__":"x","__value__":1,"more":1}]',
    ],
  ] as const)
    it(`writes ${what}`, () => {
      assert.equal(json.encode(value), text)
    })

  it('writes a changed date by its time', () => {
    const date = new WireDate('2026-08-09T10:11:12.345678-05:30')
    date.setUTCHours(0)

    assert.equal(json.encode(date), '{"__type__":"datetime","__value__":"2026-08-09T00:41:12.345000+00:00"}')
  })

  it('writes class instances as their own data, and honours toJSON as JSON.stringify does', () => {
    class Point {
      x = 1
      big = 2n
      method() {}
      get computed() {
        return 3
      }
    }
    const keys: string[] = []
    const asks = {
      toJSON(key: string) {
        keys.push(key)
        return { a: 1n, when: new Date(0) }
      },
    }

    assert.equal(json.encode([new Point()]), '[{"x":1,"big":2}]')
    assert.equal(json.encode({ asks, all: [asks] }), `{"asks":${json.encode(asks)},"all":[${json.encode(asks)}]}`)
    assert.sameMembers(keys.slice(0, 4), ['asks', '0', '', ''])
    assert.equal(json.encode([new URL('http://a/b'), { toJSON: () => 'x' }]), '["http://a/b","x"]')
  })

  it('writes plain texts for readers that know no pairs', () => {
    const values = [
      new Date(0),
      new WireDate('2026-08-09T10:11:12.345678+00:00'),
      new WireDate('2026-08-09T10:11:12-05:30'),
      new TypedValue('date', '2026-08-09'),
      new TypedValue('uuid', { hex: '11111111111141118111111111111111' }),
    ]

    assert.deepEqual(JSON.parse(plain.encode(values)), [
      '1970-01-01T00:00:00.000000Z',
      '2026-08-09T10:11:12.345678Z',
      '2026-08-09T10:11:12-05:30',
      '2026-08-09T00:00:00',
      '11111111-1111-4111-8111-111111111111',
    ])
    assert.throws(() => plain.encode({ a: bytes(1) }), Unserializable, /^a is bytes/)
  })

  const cyclic: Record<string, unknown> = { list: [] }
  ;(cyclic['list'] as unknown[]).push(cyclic)
  for (const [what, value, message] of [
    ['undefined in a list', [[1, undefined], {}], /^args\[1\] is undefined/],
    ['a hole in a list', [new Array(2), {}], /^args\[0\] is undefined/],
    ['a function', [[], { when: { next: [() => 1] } }], /^kwargs\.when\.next\[0\] is a function/],
    ['a symbol', [[Symbol('x')], {}], /^args\[0\] is a symbol/],
    ['a Map', [[], { x: [0, 0, 0, new Map()] }], /^kwargs\.x\[3\] is a Map.*Object\.fromEntries/],
    ['a Set', [[1, { when: new Set() }], {}], /^args\[1\]\.when is a Set/],
    ['a promise', [[Promise.resolve()], {}], /^args\[0\] is a promise.*Await/],
    ['an error', [[new Error('x')], {}], /^args\[0\] is an error/],
    ['a regular expression', [[/x/], {}], /^args\[0\] is a regular expression/],
    ['an ArrayBuffer', [[new ArrayBuffer(1)], {}], /^args\[0\] is an ArrayBuffer/],
    ['another typed array', [[new Float64Array(1)], {}], /^args\[0\] is an array of binary numbers/],
    ['a cycle', [[cyclic], {}], /^args\[0\]\.list\[0\] refers back to args\[0\]/],
    ['an invalid date', [[new Date(Number.NaN)], {}], /^args\[0\] is an invalid date/],
    ['a date beyond the year 9999', [[new Date(8.64e15)], {}], /^args\[0\] is an invalid date, or one outside/],
    ['an integer that Python refuses to read', [[10n ** 4300n], {}], /^args\[0\] has more than 4300 digits/],
    [
      'what looks like a typed value',
      [[{ __type__: 'x', __value__: 1 }], {}],
      /^args\[0\] has exactly the keys __type__ and __value__/,
    ],
    [
      'what looks like one once undefined is left out',
      [[], { a: { __type__: 'x', b: undefined, __value__: 1 } }],
      /^kwargs\.a has exactly/,
    ],
    ['arguments that look like one', [[], { __type__: 'x', __value__: 1 }], /^kwargs has exactly/],
    [
      'keys that are no identifiers',
      [[], { 'a b': { '0': undefined, c: [() => 1] } }],
      /^kwargs\["a b"\]\.c\[0\] is a function/,
    ],
    ['a Map out of toJSON', [[{ toJSON: () => new Map() }], {}], /^args\[0\] is a Map/],
  ] as const)
    it(`refuses ${what}, naming its path`, () => {
      assert.throws(() => json.encode(value, ['args', 'kwargs']), Unserializable, message)
    })

  it('names paths from the root where the root has no names', () => {
    assert.throws(() => json.encode({ result: { when: [new Map()] } }), Unserializable, /^result\.when\[0\] is a Map/)
    assert.throws(() => json.encode(() => 1), Unserializable, /^The value is a function/)
  })

  it('turns what a getter, a proxy or toJSON throws into a refusal with its cause', () => {
    const thrown = new Error('mine')
    const fail = () => {
      throw thrown
    }
    const hostile = [{ get a() { return fail() } }, new Proxy({}, { ownKeys: fail }), { toJSON: fail }] // biome-ignore format: one line each would hide the list

    for (const value of hostile) {
      const error = refusalOf(() => json.encode([value]))
      assert.match(error.message, /^\[0\](\.a)? could not be read/)
      assert.equal(error.cause, thrown)
    }
  })

  it('writes down to the deepest level that is read again, and refuses the next', () => {
    const deepest = JSON.parse(nested(256, '[', ']'))

    assert.deepEqual(json.decode(json.encode(deepest)), deepest)
    assert.throws(() => json.encode([deepest]), Unserializable, /lies deeper than 256 levels/)
    assert.throws(() => json.encode(JSON.parse(nested(100_000, '[', ']'))), Unserializable, /deeper/)
  })
})

describe('JSON decoding', () => {
  for (const [what, text, value] of [
    ['plain data', '{"a": [1, "x", null, true, 1.5], "b": {}}', { a: [1, 'x', null, true, 1.5], b: {} }],
    [
      'integers beyond 2^53',
      '[9007199254740993, -9007199254740993, 9007199254740991]',
      [9007199254740993n, -9007199254740993n, 9007199254740991],
    ],
    [
      'big integers after other things',
      '[{"a": "x", "b": [1180591620717411303424]}, 1]',
      [{ a: 'x', b: [1180591620717411303424n] }, 1],
    ],
    ['floats beyond 2^53, as numbers', '[9007199254740992.0, 1e300, 1E+2, -1.5e-3]', [2 ** 53, 1e300, 100, -0.0015]],
    ["Python's tokens", '[NaN, Infinity, -Infinity, "NaN"]', [Number.NaN, Infinity, -Infinity, 'NaN']],
    [
      'an object with tokens and escapes',
      '{"a\\n": NaN, "b": "\\u00e9\\\\", "c": []}',
      { 'a\n': Number.NaN, b: 'é\\', c: [] },
    ],
    ['lone surrogates', '["\\ud800"]', ['\ud800']],
    ['the last of equal keys', '{"a": NaN, "a": 1}', { a: 1 }],
    [
      'a typed value with escaped keys',
      '[{"\\u005f_type__": "decimal", "__value\\u005F_": "1"}]',
      [new TypedValue('decimal', '1')],
    ],
    ['unknown types', '{"__type__": "money", "__value__": [1]}', new TypedValue('money', [1])],
    [
      'typed values inside typed values',
      '{"__type__": "a", "__value__": {"__type__": "date", "__value__": "2026-08-09"}}',
      new TypedValue('a', new TypedValue('date', '2026-08-09')),
    ],
    [
      'a typed value beside a big integer',
      '[{"__type__": "a", "__value__": 9007199254740993}]',
      [new TypedValue('a', 9007199254740993n)],
    ],
    [
      'three keys, which are no pair',
      '{"__type__": "date", "__value__": "x", "a": 1}',
      { __type__: 'date', __value__: 'x', a: 1 },
    ],
    ['a type that is no text', '{"__type__": 5, "__value__": 1}', { __type__: 5, __value__: 1 }],
    [
      'bytes',
      '[{"__type__": "bytes", "__value__": "é"}, {"__type__": "base64", "__value__": "AP8="}]',
      [bytes(0xc3, 0xa9), bytes(0, 255)],
    ],
  ] as const)
    it(`reads ${what}`, () => {
      assert.deepEqual(json.decode(text), value)
    })

  it('keeps a typed value whose text it cannot read', () => {
    for (const [type, value] of [
      ['datetime', 'tomorrow'],
      ['datetime', 5],
      ['base64', 'AP8'],
      ['base64', '!!!!'],
      ['bytes', '\ud800'],
      ['bytes', null],
    ])
      assert.deepEqual(
        json.decode(JSON.stringify({ __type__: type, __value__: value })),
        new TypedValue(type as string, value),
      )
  })

  it('reads bytes as UTF-8, and nothing else', () => {
    assert.deepEqual(json.decode(Buffer.from('["é"]')), ['é'])
    assert.deepEqual(json.decode(new Uint8Array(Buffer.from('  ["é"] ').subarray(1))), ['é'])
    assert.throws(() => json.decode(bytes(0x5b, 0x22, 0xff, 0x22, 0x5d)), DecodeError, /UTF-8/)
    assert.throws(() => json.decode(Buffer.from('"\ufeff"').subarray(1, 4)), DecodeError)
  })

  it('makes own data of members named __proto__, and pollutes nothing', () => {
    const texts = [
      '{"__proto__": {"polluted": 1}}',
      '{"a": NaN, "__proto__": {"polluted": 1}}',
      '{"__proto__": {"__type__": "x", "__value__": 1}, "polluted": 2}',
    ]

    for (const text of texts) {
      const value = json.decode(text) as object
      assert.isTrue(Object.hasOwn(value, '__proto__'))
      assert.equal(Object.getPrototypeOf(value), Object.prototype)
    }
    assert.isUndefined(({} as any).polluted)
  })

  for (const text of [
    ...[
      '',
      '{nope',
      '[1,]',
      '{"a":1,}',
      '[1 2]',
      '{"a" 1}',
      "{'a': 1}",
      '[01]',
      '[+1]',
      '[.5]',
      '[1.]',
      '[1e]',
      '"a\nb"',
      '"\\x41"',
      '"abc',
      '[1] 2',
    ],
    ...[
      '[NaN',
      '[NaN,]',
      '[NaN 1]',
      '{"a": NaN,}',
      '{a: NaN}',
      '{"a" NaN}',
      '[-NaN]',
      '[nan]',
      '[Infinit]',
      '[-Infinit]',
      '[NaN, "a\nb"]',
    ],
    ...[
      '[NaN, "\\x41"]',
      '[NaN, "abc',
      '[NaN, "abc\\',
      '[NaN, "abc\\"',
      '[NaN] 2',
      '[NaN, 01]',
      '[NaN, -]',
      '[NaN, 1.]',
      'NaN NaN',
      '[NaN, tru]',
      '[NaN, undefined]',
    ],
    `[${'9'.repeat(4301)}]`,
  ])
    it(`refuses ${text.slice(0, 30)}`, () => {
      assert.throws(() => json.decode(text), DecodeError)
    })

  it('quotes nothing of a damaged text: it may hold secrets', () => {
    for (const text of [
      'canary',
      '["canary" canary]',
      '{"a": canary}',
      '[NaN, canary]',
      `[1, 2, ${'3, '.repeat(50)}canary]`,
      '["canary',
    ]) {
      const error = refusalOf(() => json.decode(text), DecodeError)
      assert.notInclude(error.message + String(error.cause), 'canary')
    }
  })

  it('refuses what nests deeper than its limit, however it is hidden, without using the stack', () => {
    for (const levels of [257, 10_000, 1_000_000])
      for (const [open, close] of [
        ['[', ']'],
        ['{"a":', '}'],
        ['[NaN,', ']'],
        ['["]]]]\\"]",', ']'],
      ] as const)
        assert.throws(
          () => json.decode(`${open.repeat(levels)}1${close.repeat(levels)}`),
          DecodeError,
          /deeper than 256|Not JSON/,
        )
    assert.throws(() => json.decode('['.repeat(2_000_000)), DecodeError)
  })

  it('reads long texts with many brackets in strings', () => {
    const text = JSON.stringify([Array.from({ length: 60_000 }, () => ['[[[[{{{{"\\', { a: ']]]' }])])

    assert.isAbove(text.length, 1024 * 1024)
    assert.deepEqual(json.decode(text), JSON.parse(text))
  })
})

function refusalOf(act: () => unknown, kind: typeof DecodeError | typeof Unserializable = Unserializable): Error {
  try {
    act()
  } catch (error) {
    assert.instanceOf(error, kind)
    return error as Error
  }
  throw new Error('It was not refused.')
}
