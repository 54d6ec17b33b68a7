import { assert } from 'chai'
import { loggable, printable } from '../../../lib/base/loggable.ts'

describe('loggable', () => {
  it('keeps plain values as they are', () => {
    assert.deepEqual(loggable({ a: 1, b: 'x', c: [true, null] }), { a: 1, b: 'x', c: [true, null] } as never)
  })

  it('says in text what JSON lacks', () => {
    const shown = loggable([
      10n,
      Number.NaN,
      new Date(0),
      new Uint8Array(7),
      Symbol('s'),
      new Map([['a', 1]]),
      new Set([2]),
    ])

    assert.deepEqual(shown, ['10', 'NaN', '1970-01-01T00:00:00.000Z', '[7 bytes]', 'Symbol(s)', [['a', 1]], [2]])
  })

  it('masks secrets by name and in URLs', () => {
    assert.deepEqual(loggable({ password: 'x', at: 'redis://a:b@h' }), {
      password: '********',
      at: 'redis://a:********@h',
    } as never)
  })

  it('cuts long texts, deep values and wide ones', () => {
    let deep: unknown = 'end'
    for (let level = 0; level < 1000; level++) deep = { deep }

    const shown = JSON.stringify(loggable({ text: 'x'.repeat(1e6), deep, wide: Array(1e5).fill('y') }))

    assert.isBelow(shown.length, 5000)
  })

  it('ends on a wide value that holds itself everywhere', () => {
    const loop: unknown[] = []
    for (let index = 0; index < 50; index++) loop.push(loop)

    assert.isBelow(JSON.stringify(loggable(loop)).length, 10_000)
  })

  it('shows an error with its type, message, stack, code and causes', () => {
    const error = Object.assign(new TypeError('no', { cause: new Error('because') }), { code: 'E_NO' })

    const shown = loggable({ err: error }) as Record<string, Record<string, never>>

    assert.equal(shown['err']!['type'], 'TypeError')
    assert.equal(shown['err']!['code'], 'E_NO')
    assert.include(String(shown['err']!['stack']), 'loggable.test.ts')
    assert.equal(shown['err']!['cause']!['message'], 'because')
  })

  it('masks a password in the message of an error', () => {
    assert.notInclude(JSON.stringify(loggable(new Error('cannot reach redis://a:hush@h'))), 'hush')
  })

  it('survives what throws when it is read', () => {
    const hostile = {
      get a() {
        throw new Error('no')
      },
    }

    assert.equal(loggable(hostile), '[unreadable]')
  })

  it('takes __proto__ for a name like any other', () => {
    const shown = loggable(JSON.parse('{"__proto__": {"polluted": 1}}'))

    assert.equal(JSON.stringify(shown), '{"__proto__":{"polluted":1}}')
  })
})

describe('printable', () => {
  it('escapes control characters, terminal escapes, line separators and marks of direction', () => {
    assert.equal(
      printable('a\u001b[31mb\n\r\t\u0007\u009b\u2028\u202e'),
      'a\\u001b[31mb\\n\\r\\t\\u0007\\u009b\\u2028\\u202e',
    )
  })

  it('leaves other letters alone', () => {
    assert.equal(printable('Grüße, 世界 👍'), 'Grüße, 世界 👍')
  })
})
