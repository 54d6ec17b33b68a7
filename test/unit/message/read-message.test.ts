import { deflateSync } from 'node:zlib'
import { assert } from 'chai'
import { DecodeError } from '../../../lib/base/errors.ts'
import { defaultMessageLimits } from '../../../lib/message/message-limits.ts'
import { decodeBody, MessageRefused, readMessage } from '../../../lib/message/read-message.ts'
import { Serializers } from '../../../lib/message/serializer.ts'
import type { WireMessage } from '../../../lib/message/wire-message.ts'
import { readPolicy } from '../../wire/captured.ts'

const policy = await readPolicy()
const body = '[[1], {}, {}]'

function wire(headers: object = {}, parts: Record<string, unknown> = {}): WireMessage {
  const table = { task: 'math.add', id: 'a-1', ...headers }
  return {
    headers: table,
    properties: {},
    contentType: 'application/json',
    contentEncoding: 'utf-8',
    body,
    ...parts,
  } as WireMessage
}

/** The refusal's reason and message, or "accepted". */
function verdict(act: () => unknown): string {
  try {
    act()
    return 'accepted'
  } catch (error) {
    assert.instanceOf(error, MessageRefused)
    assert.instanceOf(error, DecodeError)
    return `${error.reason}: ${error.message}`
  }
}

const bodyVerdict = (text: unknown, headers = {}) =>
  verdict(() => decodeBody(wire(headers, { body: typeof text === 'string' ? text : JSON.stringify(text) }), policy))
const signature = (parts = {}) => ({ task: 'a.b', args: [], kwargs: {}, options: {}, ...parts })

describe('readMessage', () => {
  it('reads headers of protocol 2 without touching the body', () => {
    const read = readMessage(wire({}, { body: '[not json' }), policy)

    assert.equal(read.protocol, 2)
    assert.isUndefined(read.body)
    assert.deepInclude(read.headers, { task: 'math.add', id: 'a-1', retries: 0, argsRepr: '', replacedTaskNesting: 0 })
  })

  it('reads every header', () => {
    const { headers } = readMessage(
      wire({
        ...{
          shadow: 's',
          eta: '2030-01-02T03:04:05+02:00',
          expires: '2030-01-02T03:04:05',
          group: 'g',
          group_index: 3,
          retries: 2,
        },
        ...{
          timelimit: [30, null],
          root_id: 'r',
          parent_id: 'p',
          argsrepr: '(1,)',
          kwargsrepr: '{}',
          origin: 'gen1@h',
          ignore_result: true,
        },
        ...{
          replaced_task_nesting: 1,
          stamped_headers: ['tenant'],
          stamps: { tenant: ['a'] },
          redelivered: true,
          lang: 'py',
          mine: [1],
        },
      }),
      policy,
    )

    assert.deepEqual(
      { ...headers, custom: { ...headers.custom }, stamps: { ...headers.stamps } },
      {
        ...{
          task: 'math.add',
          id: 'a-1',
          shadow: 's',
          eta: Date.UTC(2030, 0, 2, 1, 4, 5),
          expires: Date.UTC(2030, 0, 2, 3, 4, 5),
        },
        ...{
          group: 'g',
          groupIndex: 3,
          retries: 2,
          timeLimits: { hard: 30, soft: undefined },
          rootId: 'r',
          parentId: 'p',
          argsRepr: '(1,)',
        },
        ...{
          kwargsRepr: '{}',
          origin: 'gen1@h',
          ignoreResult: true,
          replacedTaskNesting: 1,
          stampedHeaders: ['tenant'],
        },
        ...{ stamps: { tenant: ['a'] }, compression: undefined, custom: { mine: [1] } },
      },
    )
  })

  it('takes null for absent', () => {
    const names = [
      'shadow',
      'eta',
      'expires',
      'group',
      'group_index',
      'retries',
      'timelimit',
      'root_id',
      'parent_id',
      'argsrepr',
      'kwargsrepr',
      'origin',
      'ignore_result',
      'replaced_task_nesting',
      'stamped_headers',
      'stamps',
      'compression',
    ]

    const nulls = Object.fromEntries(names.map((name) => [name, null]))

    assert.deepEqual(readMessage(wire(nulls), policy), readMessage(wire(), policy))
  })

  it('takes zero for no time limit, as Python does', () => {
    assert.deepEqual(readMessage(wire({ timelimit: [0, 20] }), policy).headers.timeLimits, {
      hard: undefined,
      soft: 20,
    })
  })

  const junk: [string, unknown[]][] = [
    ['task', [5, '', 'a b', '../x', 'a\nb', '9a', '<lambda>', 'x'.repeat(256), {}, ['a'], true]],
    ['id', [undefined, null, 5, '', 'x'.repeat(256), 'a\u0000b', 'a\nb', 'a\u009bb', {}, []]],
    ['shadow', [5, {}, []]],
    ['eta', ['', 'tomorrow', 1795355000, {}, [], true, new Date(Number.NaN)]],
    ['expires', ['', 'never', -1, { __type__: 'datetime' }]],
    ['group', [5, {}, 'a\u0007']],
    ['group_index', ['1', 1.5, -1, 1n, Number.NaN, Infinity, {}]],
    ['retries', ['1', 1.5, -1, 2n ** 60n, Number.NaN, [], {}]],
    [
      'timelimit',
      [5, '30', [], [1], [1, 2, 3], ['1', null], [-1, null], [null, Number.NaN], [Infinity, null], [1n, null], {}],
    ],
    ['root_id', [5, {}, 'x'.repeat(256)]],
    ['parent_id', [5, {}, '\u001b[2J']],
    ['argsrepr', [5, []]],
    ['kwargsrepr', [{}]],
    ['origin', [5]],
    ['ignore_result', ['true', 1, {}]],
    ['replaced_task_nesting', ['1', -1]],
    ['stamped_headers', ['a', [5], {}]],
    ['stamps', ['a', [], 5]],
    ['compression', [5, {}]],
  ]
  for (const [name, values] of junk)
    it(`refuses junk in the ${name} header, naming it`, () => {
      for (const value of values) {
        const found = verdict(() => readMessage(wire({ [name]: value }), policy))
        assert.match(found, new RegExp(`^malformed: .*\\b${name}\\b`), `${name}: ${String(value)}`)
      }
    })

  it('refuses what is no message at all', () => {
    for (const message of [null, undefined, 5, 'x', [], {}, { headers: 5 }, { headers: [] }, { headers: 'x' }])
      assert.match(
        verdict(() => readMessage(message as any, policy)),
        /^malformed/,
      )
    for (const parts of [
      { contentType: undefined },
      { contentType: 5 },
      { contentType: '' },
      { body: undefined },
      { body: 5 },
      { body: {} },
      { body: null },
    ])
      assert.match(
        verdict(() => readMessage(wire({}, parts), policy)),
        /^malformed/,
      )
  })

  it('refuses by content type before it decodes or decompresses anything', () => {
    for (const contentType of [
      'application/x-python-serialize',
      'application/x-yaml',
      'text/plain',
      'application/data',
      'application/json; charset=utf-8',
      '__proto__',
    ]) {
      const message = wire(
        { compression: 'application/x-gzip' },
        { contentType, body: deflateSync(Buffer.alloc(1_000_000)) },
      )
      const before = verdict(() => readMessage(message, policy))
      assert.match(before, /^content-refused: .*acceptContent/)
      assert.equal(
        verdict(() => decodeBody(message, policy)),
        before,
      )
    }
  })

  it('says when a content type is accepted but was not loaded', () => {
    const serializers = new Serializers({ typedValues: 'kombu', maxDepth: 256, accept: ['msgpack'] })

    assert.match(
      verdict(() => readMessage(wire({}, { contentType: 'application/x-msgpack' }), { ...policy, serializers })),
      /^unsupported/,
    )
  })

  it('refuses compressions and encodings that it cannot read', () => {
    for (const compression of ['application/x-bz2', 'application/x-lzma', 'lz4', '__proto__', ''])
      assert.match(
        verdict(() => readMessage(wire({ compression }), policy)),
        /^unsupported/,
      )
    assert.match(
      verdict(() => readMessage(wire({}, { contentEncoding: 'utf-16' }), policy)),
      /^unsupported/,
    )
    assert.equal(
      verdict(() => readMessage(wire({}, { contentEncoding: undefined }), policy)),
      'accepted',
    )
  })

  it('refuses bodies and headers over the limits', () => {
    const limits = { ...defaultMessageLimits, maxBytes: 100, maxHeaderBytes: 200 }
    const read = (headers: object, parts = {}) =>
      verdict(() => readMessage(wire(headers, parts), { ...policy, limits }))

    assert.equal(read({}, { body: 'x'.repeat(100) }), 'accepted')
    assert.match(read({}, { body: 'x'.repeat(101) }), /^too-large/)
    assert.match(read({}, { body: 'é'.repeat(51) }), /^too-large/)
    assert.match(read({}, { body: new Uint8Array(101) }), /^too-large/)
    assert.equal(read({ x: 'x'.repeat(150) }), 'accepted')
    for (const headers of [
      { x: 'x'.repeat(200) },
      { x: 'é'.repeat(100) },
      { ['x'.repeat(200)]: 1 },
      { x: { y: [['x'.repeat(200)]] } },
      { x: ['x'.repeat(200)] },
      { x: Array(50).fill(1) },
      { x: new Uint8Array(300) },
    ])
      assert.match(read(headers), /^too-large/)
  })

  it('refuses headers that nest without end', () => {
    const deep = JSON.parse('['.repeat(100_000) + ']'.repeat(100_000))
    const cyclic: Record<string, unknown> = {}
    cyclic['x'] = cyclic

    for (const x of [deep, cyclic])
      assert.match(
        verdict(() => readMessage(wire({ x }), policy)),
        /^(malformed|too-large)/,
      )
  })

  it('keeps hostile names in tables without a prototype, and pollutes nothing', () => {
    const table = JSON.parse(
      '{"task": "a", "id": "b", "__proto__": {"polluted": 1}, "constructor": {"prototype": {"polluted": 1}}, "stamps": {"__proto__": {"polluted": 1}}}',
    )

    const { custom, stamps } = readMessage(wire({}, { headers: table }), policy).headers

    assert.isNull(Object.getPrototypeOf(custom))
    assert.isNull(Object.getPrototypeOf(stamps))
    assert.deepEqual(Object.keys(custom).sort(), ['__proto__', 'constructor'])
    assert.isUndefined(({} as any).polluted)
  })

  it('leaves the message as it was', () => {
    const headers = {
      when: { __type__: 'datetime', __value__: '2026-08-09T10:11:12' },
      list: [{ __type__: 'a', __value__: 1 }],
    }
    const message = wire(headers)
    const copy = structuredClone(message)

    readMessage(message, policy)

    assert.deepEqual(message, copy)
  })
})

describe('protocol 1', () => {
  const v1 = (fields: object, headers: object = {}) => {
    const text = JSON.stringify({ task: 'math.add', id: 'b-2', args: [1], kwargs: { a: 2 }, ...fields })
    return wire({ task: undefined, id: undefined, ...headers }, { body: text })
  }

  it('has everything in the body', () => {
    const read = readMessage(
      v1(
        {
          retries: 1,
          taskset: 'set',
          group: 'g',
          group_index: 2,
          eta: '2030-01-02T03:04:05',
          timelimit: [30, 20],
          callbacks: [signature()],
        },
        { mine: 1 },
      ),
      policy,
    )

    assert.equal(read.protocol, 1)
    assert.deepInclude(read.headers, {
      task: 'math.add',
      id: 'b-2',
      retries: 1,
      group: 'set',
      groupIndex: 2,
      argsRepr: '(1,)',
      kwargsRepr: "{'a': 2}",
    })
    assert.equal(read.headers.eta, Date.UTC(2030, 0, 2, 3, 4, 5))
    assert.deepEqual(read.headers.timeLimits, { hard: 30, soft: 20 })
    assert.deepEqual({ ...read.headers.custom }, { mine: 1 })
    assert.deepEqual(read.body?.args, [1])
    assert.deepEqual({ ...read.body?.kwargs }, { a: 2 })
    assert.equal(read.body?.embed.callbacks?.[0]?.task, 'a.b')
  })

  it('needs no args and no kwargs', () => {
    const read = readMessage(v1({ args: undefined, kwargs: null }), policy)

    assert.deepEqual(read.body?.args, [])
    assert.deepEqual({ ...read.body?.kwargs }, {})
  })

  it('with protocol 2 headers fills in those that are absent', () => {
    const read = readMessage(
      v1({ retries: 3, id: 'body-id', eta: '2030-01-02T03:04:05' }, { task: 'other.name', id: 'a-1', eta: null }),
      policy,
    )

    assert.equal(read.protocol, 2)
    assert.deepInclude(read.headers, { task: 'other.name', id: 'a-1', retries: 3, eta: Date.UTC(2030, 0, 2, 3, 4, 5) })
    assert.deepEqual(read.body?.args, [1])
    assert.deepEqual(decodeBody(v1({}, { task: 'other.name', id: 'a-1' }), policy).args, [1])
  })

  for (const [what, text, expected] of [
    ['without an id', '{"task": "a.b", "args": []}', /^malformed: .*id header/],
    ['without a task', '{"id": "a", "args": []}', /^malformed: .*task header/],
    ['with nothing of a task', '{"a": 1}', /^malformed: .*neither/],
    ['that is a list', '[[1], {}, {}]', /^malformed: .*no task header/],
    ['that is a scalar', '5', /^malformed/],
    ['that is a typed value', '{"__type__": "task", "__value__": 1}', /^malformed/],
    ['that is a date', '{"__type__": "datetime", "__value__": "2026-08-09T10:11:12"}', /^malformed/],
    ['with junk inside', '{"task": "a.b", "id": "a", "args": 5}', /^malformed: .*positional/],
    ['with a chord', JSON.stringify({ task: 'a.b', id: 'a', chord: signature() }), /^unsupported: .*chord/],
    ['that is not JSON', '{', /^undecodable/],
  ] as const)
    it(`refuses a body ${what}`, () => {
      assert.match(
        verdict(() => readMessage(wire({ task: undefined, id: undefined }, { body: text }), policy)),
        expected,
      )
    })

  it('is recognised in bytes, with white space, and in MessagePack', () => {
    const fields = { task: 'x.y', id: 'a', args: [7] }
    const packed = policy.serializers.loaded('msgpack').encode(fields) as Uint8Array

    for (const parts of [
      { body: Buffer.from(` \n\t\r${JSON.stringify(fields)}`) },
      { body: ` ${JSON.stringify(fields)}` },
      { body: packed, contentType: 'application/x-msgpack' },
    ])
      assert.deepEqual(readMessage(wire({}, parts), policy).body?.args, [7])
  })
})

describe('decodeBody', () => {
  it('has keyword arguments without a prototype, hostile names included', () => {
    const { kwargs } = decodeBody(
      wire({}, { body: '[[], {"__proto__": {"polluted": 1}, "constructor": 1, "toString": 2}, null]' }),
      policy,
    )

    assert.isNull(Object.getPrototypeOf(kwargs))
    assert.deepEqual(Object.keys(kwargs).sort(), ['__proto__', 'constructor', 'toString'])
    assert.isUndefined(({} as any).polluted)
  })

  it('fills in what signatures may leave out, and keeps what it does not know', () => {
    const { embed } = decodeBody(
      wire({}, { body: JSON.stringify([[], {}, { callbacks: [signature({ mine: 1 })], chain: [] }]) }),
      policy,
    )

    assert.deepEqual(embed, {
      callbacks: [{ ...signature({ mine: 1 }), subtask_type: null, immutable: false }],
      errbacks: null,
      chain: [],
      chord: null,
    })
  })

  for (const [what, value, expected] of [
    ['two elements', [[1], {}], /^malformed: .*has 2 elements/],
    ['four elements', [[1], {}, {}, {}], /^malformed/],
    ['a scalar', 5, /^malformed/],
    ['args null', [null, {}, {}], /^malformed: .*positional/],
    ['args an object', [{}, {}, {}], /^malformed: .*positional/],
    ['kwargs null', [[], null, {}], /^malformed: .*keyword/],
    ['kwargs a list', [[], [], {}], /^malformed: .*keyword/],
    ['kwargs a typed value', [[], { __type__: 'a', __value__: 1 }, {}], /^malformed: .*keyword/],
    ['embed a list', [[], {}, []], /^malformed: .*third element/],
    ['embed a text', [[], {}, 'x'], /^malformed: .*third element/],
    ['one callback for a list', [[], {}, { callbacks: signature() }], /^malformed: callbacks|^malformed: .*callbacks/],
    ['a callback that is null', [[], {}, { callbacks: [null] }], /^malformed: .*callbacks\[0\]/],
    [
      'a task name that is none',
      [[], {}, { errbacks: [signature({ task: '../x' })] }],
      /^malformed: .*the task of errbacks\[0\]/,
    ],
    [
      'a signature without kwargs',
      [[], {}, { chain: [signature({ kwargs: undefined })] }],
      /^malformed: .*chain\[0\]\.kwargs/,
    ],
    [
      'args of a signature that are none',
      [[], {}, { chain: [signature({ args: {} })] }],
      /^malformed: .*chain\[0\]\.args/,
    ],
    ['options that are none', [[], {}, { chain: [signature({ options: [] })] }], /^malformed: .*chain\[0\]\.options/],
    [
      'a subtask type that is none',
      [[], {}, { chain: [signature({ subtask_type: 5 })] }],
      /^malformed: .*subtask_type/,
    ],
    ['immutable that is none', [[], {}, { chain: [signature({ immutable: 'no' })] }], /^malformed: .*immutable/],
    [
      'a link inside that is none',
      [[], {}, { chain: [signature({ options: { link: [5] } })] }],
      /^malformed: .*chain\[0\]\.options\.link\[0\]/,
    ],
    [
      'a group member that is none',
      [[], {}, { chain: [signature({ subtask_type: 'group', kwargs: { tasks: [{}] } })] }],
      /^malformed: .*kwargs\.tasks\[0\]/,
    ],
    [
      'a chord body that is none',
      [[], {}, { chain: [signature({ subtask_type: 'chord', kwargs: { body: 5 } })] }],
      /^malformed: .*kwargs\.body/,
    ],
    ['a chord', [[], {}, { chord: signature() }], /^unsupported: .*chord/],
    ['more than 10,000 signatures', [[], {}, { chain: Array(10_001).fill(signature()) }], /^too-large: .*10001/],
    [
      'too many signatures inside each other',
      [[], {}, { chain: [signature({ subtask_type: 'group', kwargs: { tasks: Array(100_001).fill(signature()) } })] }],
      /^too-large/,
    ],
  ] as const)
    it(`refuses ${what}`, () => {
      assert.match(bodyVerdict(value), expected)
    })

  it('takes a chain of 10,000', () => {
    assert.equal(bodyVerdict([[], {}, { chain: Array(10_000).fill(signature()) }]), 'accepted')
  })

  it('refuses damaged bodies, and tells them from malformed ones', () => {
    for (const text of ['', '{nope', '[[1], {}, {}', 'null null', '[[NaN, {}, {}]'])
      assert.match(bodyVerdict(text), /^undecodable/)
    for (const bytes of [[0xff, 0xfe], [], [0x5b, 0x80, 0x5d]])
      assert.match(
        verdict(() => decodeBody(wire({}, { body: new Uint8Array(bytes) }), policy)),
        /^undecodable/,
      )
    assert.match(
      verdict(() =>
        decodeBody(wire({}, { body: new Uint8Array([0xc1]), contentType: 'application/x-msgpack' }), policy),
      ),
      /^undecodable/,
    )
  })

  it('refuses a million levels without using the stack', () => {
    for (const text of [
      `[${'['.repeat(1e6)}${']'.repeat(1e6)}, {}, {}]`,
      `[[${'{"a":'.repeat(1e6)}1${'}'.repeat(1e6)}], {}, {}]`,
      '['.repeat(1e6),
    ])
      assert.match(bodyVerdict(text), /^undecodable: .*deeper than 256|^undecodable: .*not valid|^undecodable/)
  })

  it('stops a bomb at its limit, and never takes off a second layer', () => {
    const limits = { ...defaultMessageLimits, maxDecompressedBytes: 1_000_000 }
    const bomb = deflateSync(`[["${'x'.repeat(20_000_000)}"], {}, {}]`)
    const message = wire({ compression: 'application/x-gzip' }, { body: bomb })
    const twice = wire({ compression: 'application/x-gzip' }, { body: deflateSync(bomb) })

    assert.match(
      verdict(() => decodeBody(message, { ...policy, limits })),
      /^too-large: .*1000000/,
    )
    assert.match(
      verdict(() => decodeBody(twice, { ...policy, limits })),
      /^undecodable/,
    )
    assert.match(
      verdict(() => decodeBody(wire({ compression: 'application/x-gzip' }, { body: 'text' }), policy)),
      /^undecodable/,
    )
  })

  it('decodes integers, dates and tokens of the arguments exactly', () => {
    const { args } = decodeBody(
      wire({}, { body: '[[9007199254740993, NaN, {"__type__": "decimal", "__value__": "1.10"}], {}, {}]' }),
      policy,
    )

    assert.equal(args[0], 9007199254740993n)
    assert.isNaN(args[1])
    assert.equal(String(args[2]), '1.10')
  })
})
