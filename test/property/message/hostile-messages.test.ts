import { deflateSync } from 'node:zlib'
import { assert } from 'chai'
import fc from 'fast-check'
import { defaultMessageLimits } from '../../../lib/message/message-limits.ts'
import { decodeBody, MessageRefused, type ReadPolicy, readMessage } from '../../../lib/message/read-message.ts'
import type { WireMessage } from '../../../lib/message/wire-message.ts'
import { capturedMessages, readPolicy, wireOf } from '../../wire/captured.ts'

const reasons = ['undecodable', 'malformed', 'content-refused', 'too-large', 'unsupported']

/** Reads everything there is to read. Whatever comes out, only refusals may be thrown. */
function readAll(wire: unknown, policy: ReadPolicy): void {
  for (const read of [readMessage, decodeBody])
    try {
      const found = read(wire as WireMessage, policy)
      assert.isObject(found)
    } catch (error) {
      assert.instanceOf(error, MessageRefused)
      assert.include(reasons, error.reason)
      assert.isNotEmpty(error.message)
      assert.isBelow(error.message.length, 2000)
    }
}

const anything = fc.anything({
  withBigInt: true,
  withDate: true,
  withNullPrototype: true,
  withSparseArray: true,
  withTypedArray: true,
  withMap: true,
  withObjectString: true,
})
const headerName = fc.constantFrom(
  ...[
    'task',
    'id',
    'eta',
    'expires',
    'group',
    'group_index',
    'retries',
    'timelimit',
    'root_id',
    'parent_id',
    'shadow',
    'argsrepr',
    'kwargsrepr',
  ],
  ...[
    'origin',
    'ignore_result',
    'replaced_task_nesting',
    'stamped_headers',
    'stamps',
    'compression',
    'redelivered',
    '__proto__',
    'constructor',
  ],
)
const contentType = fc.constantFrom('application/json', 'application/x-msgpack')
const compression = fc.constantFrom(
  undefined,
  null,
  'application/x-gzip',
  'application/x-brotli',
  'application/x-bz2',
  5,
)

describe('hostile messages are refused, and nothing else happens', () => {
  let policy: ReadPolicy
  before(async () => {
    policy = { ...(await readPolicy()), limits: { ...defaultMessageLimits, maxDecompressedBytes: 100_000 } }
  })

  it('whatever bytes the body has', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 200 }),
        contentType,
        compression,
        fc.boolean(),
        (body, type, header, isV2) => {
          const headers = isV2 ? { task: 'a.b', id: 'x', compression: header } : { compression: header }
          readAll({ headers, properties: {}, contentType: type, contentEncoding: 'utf-8', body }, policy)
          readAll(
            { headers, properties: {}, contentType: type, contentEncoding: 'utf-8', body: deflateSync(body) },
            policy,
          )
        },
      ),
      { numRuns: 3000 },
    )
  })

  it('whatever JSON the body has', () => {
    fc.assert(
      fc.property(fc.json(), fc.boolean(), (body, isV2) => {
        readAll(
          {
            headers: isV2 ? { task: 'a.b', id: 'x' } : {},
            properties: {},
            contentType: 'application/json',
            contentEncoding: 'utf-8',
            body,
          },
          policy,
        )
      }),
      { numRuns: 1000 },
    )
  })

  it('whatever the headers are', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(headerName, anything)), anything, (entries, whole) => {
        const headers = { task: 'a.b', id: 'x', ...Object.fromEntries(entries) }
        const rest = { properties: {}, contentType: 'application/json', contentEncoding: 'utf-8', body: '[[], {}, {}]' }
        readAll({ headers, ...rest }, policy)
        readAll({ headers: whole, ...rest }, policy)
      }),
      { numRuns: 2000 },
    )
  })

  it('whatever the message is', () => {
    fc.assert(
      fc.property(anything, anything, anything, anything, (headers, type, encoding, body) => {
        readAll(headers, policy)
        readAll({ headers: { task: 'a.b', id: 'x' }, contentType: type, contentEncoding: encoding, body }, policy)
        readAll({ headers, properties: type, contentType: 'application/json', contentEncoding: 'utf-8', body }, policy)
      }),
      { numRuns: 2000 },
    )
  })

  it("whatever was changed in a Python client's message", () => {
    const messages = capturedMessages('main')
    const mutation = fc.record({
      message: fc.nat(messages.length - 1),
      at: fc.nat(),
      length: fc.nat(5),
      piece: fc.constantFrom(
        '',
        'null',
        '{}',
        '[]',
        '"',
        '\\',
        ',',
        ':',
        '-1',
        '1e999',
        'NaN',
        '{"__type__":"x","__value__":1}',
        '__proto__',
        '\u0000',
        '[[[[',
      ),
    })
    fc.assert(
      fc.property(mutation, ({ message, at, length, piece }) => {
        const { raw, envelope, bodyText } = messages[message]!
        const cut = (text: string) => text.slice(0, at % text.length) + piece + text.slice((at % text.length) + length)
        if (bodyText !== undefined) readAll({ ...wireOf(envelope), body: cut(bodyText) }, policy)
        let changed: unknown
        try {
          changed = JSON.parse(cut(raw))
        } catch {
          return // no envelope any more: the broker's to refuse
        }
        if (typeof changed === 'object' && changed !== null) readAll(wireOf(changed), policy)
      }),
      { numRuns: 5000 },
    )
  })
})
