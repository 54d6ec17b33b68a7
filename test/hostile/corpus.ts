import { brotliCompressSync, constants, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import type { DeadLetterReason } from '../../lib/broker/broker.ts'

/** One hostile message, as the embedded store would hold it, and what shall become of it. */
export interface HostileMessage {
  readonly name: string
  /** The whole row. */
  readonly raw: string | Uint8Array
  /** The reason of its dead letter, or the state of the record that it leaves. */
  readonly ends: DeadLetterReason | 'SUCCESS' | 'FAILURE' | 'REVOKED'
  /** Id of the record, where there is one. */
  readonly id: string
}

interface Parts {
  readonly headers?: unknown
  readonly properties?: unknown
  readonly body?: unknown
  /** Bytes, instead of a body. */
  readonly bytes?: Uint8Array
  readonly type?: unknown
  readonly encoding?: unknown
  readonly route?: unknown
}

const corpus: HostileMessage[] = []

/** A message whose envelope is whole. Strings of `body` stand for themselves; anything else is JSON. */
function message(name: string, ends: HostileMessage['ends'], parts: Parts): void {
  const id = `hostile-${corpus.length}`
  const { headers = {}, properties = {}, body = [[1], {}, {}], bytes, type, encoding, route } = parts
  const isTable = typeof headers === 'object' && headers !== null && !Array.isArray(headers)
  const raw = JSON.stringify({
    body: bytes === undefined ? (typeof body === 'string' ? body : JSON.stringify(body)) : undefined,
    base64: bytes === undefined ? undefined : Buffer.from(bytes).toString('base64'),
    headers: isTable ? { task: 'hostile.echo', id, ...headers } : headers,
    properties,
    type,
    encoding,
    route,
  })
  corpus.push({ name, raw, ends, id })
}

/** A row that is no envelope. */
function row(name: string, raw: string | Uint8Array, ends: HostileMessage['ends'] = 'undecodable'): void {
  corpus.push({ name, raw, ends, id: `hostile-${corpus.length}` })
}

/** An object whose keys JSON.parse would keep and a literal would not: `__proto__`. */
const json = (text: string): unknown => JSON.parse(text)
const nested = (levels: number, open = '[', close = ']'): string => open.repeat(levels) + close.repeat(levels)
const signature = (parts: object = {}) => ({
  task: 'hostile.echo',
  args: [],
  kwargs: {},
  options: {},
  subtask_type: null,
  immutable: false,
  ...parts,
})
const valid = '{"body":"[[1],{},{}]","headers":{"task":"hostile.echo","id":"whole"},"properties":{}}'

// Rows that are no envelope at all.
row('an empty row', '')
row('blanks', ' \n\t ')
row('no JSON', 'not json')
row('half an envelope', valid.slice(0, valid.length / 2))
row('two envelopes', valid + valid)
row('a number', '5')
row('null', 'null')
row('a list', '[]')
row('a text', '"text"')
row('an empty object', '{}')
row('bytes that are no UTF-8', Uint8Array.of(0xff, 0xfe, 0x00, 0x80))
row(
  'an envelope with a byte that is no UTF-8',
  Buffer.concat([Buffer.from(valid.slice(0, 12)), Uint8Array.of(0xc3), Buffer.from(valid.slice(12))]),
)
row('a byte order mark', `\ufeff${valid}`)
row('a NUL', `\u0000${valid}`)
row('10,000 levels instead of an envelope', nested(10_000))
row('1,000,000 levels instead of an envelope', nested(1_000_000))
row('headers of 100,000 levels', `{"body":"","headers":{"a":${nested(100_000)}},"properties":{}}`, 'malformed')
row('NaN in the headers', valid.replace('"whole"', 'NaN'))
row('Infinity in the properties', valid.replace('"properties":{}', '"properties":{"priority":-Infinity}'))
row('no body', '{"headers":{"task":"a","id":"b"},"properties":{}}')
row('no properties', '{"body":"","headers":{"task":"a","id":"b"}}')
row('no headers', '{"body":"","properties":{}}')
row('headers that are a list', '{"body":"","headers":[],"properties":{}}')
row('headers that are text', '{"body":"","headers":"x","properties":{}}')
row('properties that are a list', '{"body":"","headers":{},"properties":[]}')
row('a body that is an object', '{"body":{},"headers":{},"properties":{}}')
row('a content type that is a number', '{"body":"","headers":{},"properties":{},"type":5}')
row('a route that is no pair', '{"body":"","headers":{},"properties":{},"route":"x"}')
row('__proto__ instead of headers', '{"__proto__":{"headers":{"task":"a","id":"b"},"properties":{}},"body":""}')

// Headers of wrong types.
message('no task and no id', 'malformed', { headers: { task: undefined, id: undefined } })
message('an id that is a number', 'malformed', { headers: { id: 5 } })
message('an id of 10,000 characters', 'malformed', { headers: { id: 'x'.repeat(10_000) } })
message('an id with a line end', 'malformed', { headers: { id: 'a\nb' } })
message('an id that is half a character', 'malformed', { headers: { id: '\ud800' } })
message('a task that is an object', 'malformed', { headers: { task: {} } })
message('a task name of 10,000 characters', 'malformed', { headers: { task: 'x'.repeat(10_000) } })
message('a task name of a megabyte', 'too-large', { headers: { task: 'x'.repeat(1_000_000) } })
message('a task name that is a path', 'malformed', { headers: { task: '../../etc/passwd' } })
message('a task name with control characters', 'malformed', { headers: { task: 'a\u0000\u001b[2J\n' } })
message('a task named __proto__', 'unknown-task', { headers: { task: '__proto__' } })
message('a task named constructor', 'unknown-task', { headers: { task: 'constructor' } })
message('a task that nobody knows', 'unknown-task', { headers: { task: 'nobody.knows' } })
message('an eta that is a word', 'malformed', { headers: { eta: 'tomorrow' } })
message('an eta that is a number', 'malformed', { headers: { eta: 1_795_355_000 } })
message('an expiry that is an object', 'malformed', { headers: { expires: {} } })
message('retries that are text', 'malformed', { headers: { retries: 'many' } })
message('retries below zero', 'malformed', { headers: { retries: -1 } })
message('time limits that are text', 'malformed', { headers: { timelimit: '30' } })
message('time limits of three', 'malformed', { headers: { timelimit: [1, 2, 3] } })
message('a time limit below zero', 'malformed', { headers: { timelimit: [-1, null] } })
message('a time limit of 1e308 seconds', 'malformed', { headers: { timelimit: [1e308, 1e308] } })
message('a time limit of 30 million years', 'SUCCESS', { headers: { timelimit: [1e15, 1e15] } })
message('a group that is a list', 'malformed', { headers: { group: [] } })
message('a group index of one and a half', 'malformed', { headers: { group_index: 1.5 } })
message('stamps that are a list', 'malformed', { headers: { stamped_headers: 'x', stamps: [] } })
message('a compression that is a number', 'malformed', { headers: { compression: 5 } })
message('100 KB of headers', 'too-large', { headers: { x: 'y'.repeat(100_000) } })
message('10,000 headers', 'too-large', {
  headers: Object.fromEntries(Array.from({ length: 10_000 }, (_, n) => [`h${n}`, n])),
})
message('a header of 300 levels', 'malformed', { headers: { x: json(nested(300)) } })
row('a header beyond 2^53', valid.replace('"id"', '"x":9007199254740993,"id"'), 'malformed')
row('a header beyond every double', valid.replace('"id"', '"x":1e400,"id"'), 'malformed')
message('a priority that is an object', 'malformed', { properties: { priority: json('{"valueOf":1,"toString":2}') } })
message('a reply-to that is a list', 'malformed', { properties: { replyTo: [] } })
message('a correlation id that is a number', 'malformed', { properties: { correlationId: 5 } })

// Bodies.
message('an empty body', 'undecodable', { body: '' })
message('half a body', 'undecodable', { body: '[[1], {}, {"callb' })
message('a body that is no UTF-8', 'undecodable', { bytes: Uint8Array.of(0x5b, 0x22, 0xff, 0x22, 0x5d) })
message('a body of one element', 'malformed', { body: [[]] })
message('a body of four elements', 'malformed', { body: [[], {}, {}, {}] })
message('a body that is a number', 'malformed', { body: '5' })
message('arguments that are an object', 'malformed', { body: [{}, {}, {}] })
message('keyword arguments that are a list', 'malformed', { body: [[], [], {}] })
message('keyword arguments that are a typed value', 'malformed', { body: [[], { __type__: 'x', __value__: 1 }, {}] })
message('a body of 257 levels', 'undecodable', { body: `[[${nested(257)}], {}, {}]` })
message('a body of 10,000 levels', 'undecodable', { body: `[[${nested(10_000)}], {}, {}]` })
message('a body of 1,000,000 levels', 'undecodable', { body: `[[${nested(1_000_000)}], {}, {}]` })
message('a body of 100,000 objects in each other', 'undecodable', {
  body: `[[${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}], {}, {}]`,
})
message('base64 that is none', 'undecodable', { bytes: Uint8Array.of(1, 2, 3) })
message('a protocol 1 body without a task', 'malformed', {
  headers: { task: undefined, id: undefined },
  body: { args: [] },
})

// Content that is not accepted.
message('pickle', 'content-refused', {
  type: 'application/x-python-serialize',
  encoding: 'binary',
  bytes: Buffer.from("cos\nsystem\n(S'id'\ntR."),
})
message('yaml', 'content-refused', { type: 'application/x-yaml', body: '!!js/function "function () {}"' })
message('application/data', 'content-refused', { type: 'application/data' })
message('an unknown content type', 'content-refused', { type: '__proto__' })
message('a content type of 100 KB', 'content-refused', { type: 'x'.repeat(100_000) })
message('an empty content type', 'malformed', { type: '' })
message('an unknown content encoding', 'unsupported', { encoding: 'utf-16' })
message('an unknown compression', 'unsupported', { headers: { compression: 'application/x-rar' } })
message('bzip2', 'unsupported', { headers: { compression: 'application/x-bz2' } })
message('a compression named constructor', 'unsupported', { headers: { compression: 'constructor' } })
message('a compression that the body does not have', 'undecodable', { headers: { compression: 'application/x-gzip' } })
message('half a compressed body', 'undecodable', {
  headers: { compression: 'application/x-gzip' },
  bytes: deflateSync('[[1], {}, {}]').subarray(0, 10),
})
message('MessagePack that ends early', 'undecodable', {
  type: 'application/x-msgpack',
  encoding: 'binary',
  bytes: Uint8Array.of(0x93, 0xdd, 0xff, 0xff, 0xff, 0xff),
})
message('MessagePack with an extension', 'undecodable', {
  type: 'application/x-msgpack',
  encoding: 'binary',
  bytes: Uint8Array.of(0x93, 0x91, 0xc7, 0x00, 0x01, 0x80, 0x80),
})

// Bombs. A list of one-byte values costs little to write down and much to hold.
const repeated = (part: string, size: number): string => `[[${part.repeat(size / part.length)}0], {}, {}]`
message('a gzip bomb of a gigabyte', 'too-large', {
  headers: { compression: 'application/x-gzip' },
  bytes: gigabyteOfZeros(),
})
message('a gzip file, which Celery never sends', 'undecodable', {
  headers: { compression: 'application/x-gzip' },
  bytes: gzipSync('[[1], {}, {}]'),
})
message('a brotli bomb', 'too-large', {
  headers: { compression: 'application/x-brotli' },
  bytes: brotliCompressSync(Buffer.alloc(80_000_000, 0x20), { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } }),
})
message('a bomb inside a bomb', 'undecodable', {
  headers: { compression: 'application/x-gzip' },
  bytes: deflateSync(gigabyteOfZeros()),
})
message('16 MB of empty objects', 'too-large', {
  headers: { compression: 'application/x-gzip' },
  bytes: deflateSync(repeated('{},', 16_000_000)),
})
message('16 MB of empty lists', 'too-large', {
  headers: { compression: 'application/x-gzip' },
  bytes: deflateSync(repeated('[],', 16_000_000)),
})
message('20 MB of empty MessagePack maps', 'too-large', {
  type: 'application/x-msgpack',
  encoding: 'binary',
  headers: { compression: 'application/x-gzip' },
  bytes: deflateSync(maps(20_000_000)),
})
message('a body of 17 MB', 'too-large', { body: `[["${'x'.repeat(17_000_000)}"], {}, {}]` })

// Signatures inside.
message('a callback that is no signature', 'malformed', { body: [[], {}, { callbacks: [5] }] })
message('callbacks that are an object', 'malformed', { body: [[], {}, { callbacks: signature() }] })
message('a callback whose task is a path', 'malformed', {
  body: [[], {}, { callbacks: [signature({ task: '../x' })] }],
})
message('a chain of 10,001', 'too-large', {
  body: [[], {}, { chain: Array.from({ length: 10_001 }, () => signature()) }],
})
message('a chord', 'unsupported', { body: [[], {}, { chord: signature() }] })
message('a group as callback', 'unsupported', {
  body: [[], {}, { callbacks: [signature({ subtask_type: 'group', kwargs: { tasks: [] } })] }],
})
message('more than 100,000 signatures in each other', 'too-large', {
  body: [
    [],
    {},
    {
      callbacks: Array.from({ length: 9000 }, () =>
        signature({ options: { link: Array.from({ length: 12 }, () => signature()) } }),
      ),
    },
  ],
})

// Options of signatures, which are whatever the sender wrote.
const linked = (options: object) => ({ body: [[], {}, { callbacks: [signature({ options })] }] })
message(
  'a callback to an exchange that nobody declared',
  'content-refused',
  linked({ exchange: 'amq.topic', routing_key: 'x' }),
)
message('an error callback to an exchange that nobody declared', 'content-refused', {
  body: [[], {}, { errbacks: [signature({ options: { exchange: 'x' } })] }],
})
message('a chain to a queue whose name no broker takes', 'content-refused', {
  body: [[], {}, { chain: [signature({ options: { queue: 'a\u0000b' } })] }],
})
message('a callback that is to be sent as pickle', 'unsupported', linked({ serializer: 'pickle' }))
message('a callback that is to be compressed by rar', 'unsupported', linked({ compression: 'rar' }))
message('a callback due in 1e300 seconds', 'malformed', linked({ countdown: 1e300 }))
message('a callback with an id of two lines', 'malformed', linked({ task_id: 'a\nb' }))
message('a callback with headers of the protocol', 'malformed', linked({ headers: { id: 'another', task: 'another' } }))
message('a callback whose queue is a list', 'malformed', linked({ queue: ['celery'] }))
message(
  'a callback with options that nobody knows',
  'SUCCESS',
  linked({ shell: 'rm -rf /', producer: {}, connection: 'redis://elsewhere', queue: 'next' }),
)

// Odd, and all the same a message.
message('__proto__ among the headers', 'SUCCESS', {
  headers: json('{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}') as object,
})
message('__proto__ among the keyword arguments', 'SUCCESS', {
  body: '[[], {"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}, {}]',
})
message('__proto__ in the arguments', 'SUCCESS', {
  body: '[[{"__proto__":{"polluted":true},"a":{"__proto__":{"polluted":true}}}], {}, {}]',
})
message('__proto__ among the stamps', 'SUCCESS', { headers: { stamps: json('{"__proto__":{"polluted":true}}') } })
message('__proto__ in the embed', 'SUCCESS', { body: '[[], {}, {"__proto__":{"callbacks":[5],"polluted":true}}]' })
message('a typed value named __proto__', 'SUCCESS', {
  body: '[[{"__type__":"__proto__","__value__":{"polluted":true}}], {}, {}]',
})
message('NaN and infinities', 'SUCCESS', { body: '[[NaN, Infinity, -Infinity, 1e400], {}, {}]' })
message('integers beyond 2^53', 'SUCCESS', {
  body: '[[9007199254740993, -9007199254740993, 123456789012345678901234567890], {}, {}]',
})
message('an integer of 5,000 digits', 'undecodable', { body: `[[${'9'.repeat(5000)}], {}, {}]` })
message('lone surrogates', 'SUCCESS', { body: '[["\\ud800", "a\\udfffb"], {"\\udc00":1}, {}]' })
message('the same key twice', 'SUCCESS', { body: '[[{"a":1,"a":2}], {"k":1,"k":2}, {}]' })
message('control characters and escape sequences', 'SUCCESS', {
  headers: { shadow: '\u001b[2J\u001b]0;title\u0007\r\n[ERROR] forged line', argsrepr: '\u001b[31m\n' },
  body: ['\u001b[31m\r\n\u2028\u202e'].map((text) => [[text], {}, {}])[0],
})
message('a forged reply-to', 'SUCCESS', {
  properties: { replyTo: '../../other\u0000queue', correlationId: 'someone-else' },
})
message('an expiry long ago', 'REVOKED', { headers: { expires: '0001-01-01T00:00:00+00:00' } })
message('arguments that the task does not take', 'FAILURE', {
  headers: { task: 'hostile.takesOne' },
  body: [[1, 2, 3], { nobody: 1 }, {}],
})
message('200,000 arguments', 'FAILURE', {
  headers: { task: 'hostile.takesOne' },
  body: [Array.from({ length: 200_000 }, () => 0), {}, {}],
})
message('50,000 keyword arguments of 10 characters', 'FAILURE', {
  headers: { task: 'hostile.takesOne' },
  body: [[], Object.fromEntries(Array.from({ length: 50_000 }, (_, n) => [`k${n}`, n])), {}],
})

/** About a megabyte that inflates to a thousand: one block of zeros, many times over. */
function gigabyteOfZeros(): Buffer {
  const block = deflateRawSync(Buffer.alloc(16_000_000), { finishFlush: constants.Z_FULL_FLUSH })
  return Buffer.concat([Uint8Array.of(0x78, 0x9c), ...Array.from({ length: 63 }, () => block)])
}

/** A list of empty maps, one byte each. */
function maps(size: number): Buffer {
  const data = Buffer.alloc(size, 0x80)
  data[0] = 0xdd
  data.writeUInt32BE(size - 5, 1)
  return data
}

/** Every hostile message, by what it is meant to do. */
export const hostileMessages: readonly HostileMessage[] = corpus
