import { assert } from 'chai'
import { argsRepr, kwargsRepr } from '../../../lib/message/args-repr.ts'
import { TypedValue, WireDate } from '../../../lib/message/typed-value.ts'
import { fixture } from '../../wire/captured.ts'

/** A tuple's text as that of a list with the same items, where nothing was cut at its end. */
function asList(tuple: string): string {
  return `[${tuple.slice(1).replace(/,?\)$/, '')}]`
}

describe('argsRepr and kwargsRepr', () => {
  for (const { name, value_json: value, is_tuple: isTuple, saferepr_1024: expected } of fixture('saferepr').cases) {
    // Whole floats and integer keys don't survive JSON: shown as integers and strings.
    if (value === undefined || name === 'floats' || name === 'intkey') continue

    it(`shows "${name}" as Celery does`, () => {
      const shown = Array.isArray(value)
        ? argsRepr(name === 'bigint' ? [1180591620717411303424n] : value)
        : kwargsRepr(value)

      assert.equal(Array.isArray(value) && !isTuple ? asList(shown) : shown, expected)
    })
  }

  it('shows values of other types as Celery does', () => {
    for (const [value, expected] of [
      [
        new WireDate('2026-08-09T10:11:12.345678+00:00'),
        '(datetime.datetime(2026, 8, 9, 10, 11, 12, 345678, tzinfo=datetime.timezone.utc),)',
      ],
      [new WireDate('2026-08-09T10:11:12'), '(datetime.datetime(2026, 8, 9, 10, 11, 12),)'],
      [new Date(0), '(datetime.datetime(1970, 1, 1, 0, 0, 0, tzinfo=datetime.timezone.utc),)'],
      [new TypedValue('decimal', '1.10'), "(Decimal('1.10'),)"],
      [new TypedValue('date', '2026-08-09'), '(datetime.date(2026, 8, 9),)'],
      [new TypedValue('time', '10:11:12'), '(datetime.time(10, 11, 12),)'],
      [
        new TypedValue('uuid', { hex: '00000000000000000000000000000001' }),
        "(UUID('00000000-0000-0000-0000-000000000001'),)",
      ],
      [Buffer.from('abc'), "(b'abc',)"],
      [new Uint8Array([0, 255]), "(b'00ff',)"],
      [new Set([1]), '({1},)'],
      [new Map([['a', 1]]), "({'a': 1},)"],
      [1180591620717411303424n, '(1180591620717411303424,)'],
      [undefined, '(None,)'],
    ] as const)
      assert.equal(argsRepr([value]), expected)
  })

  it('shows floats as Python does', () => {
    assert.equal(
      argsRepr([0.1, 1e21, 1e-7, -0, 1.5e300, 0.0001, 0.00001, 2 ** 53]),
      '(0.1, 1e+21, 1e-07, -0.0, 1.5e+300, 0.0001, 1e-05, 9007199254740992.0)',
    )
    assert.equal(argsRepr([Number.NaN, Infinity, -Infinity, 1.5e16]), '(nan, inf, -inf, 1.5e+16)')
  })

  it('masks what stands under secret names, at any level, and passwords in URLs', () => {
    assert.equal(
      kwargsRepr({ user: 'me', password: 'canary', n: { api_key: 5, token: null } }),
      "{'user': 'me', 'password': '********', 'n': {'api_key': '********', 'token': None}}",
    )
    assert.equal(
      argsRepr([{ secret: ['canary'] }, 'redis://me:canary@host/0']),
      "({'secret': '********'}, 'redis://me:********@host/0')",
    )
    assert.notInclude(argsRepr(['x'.repeat(1000), 'redis://me:canary@host/0']), 'canary')
    assert.notInclude(argsRepr([`redis://me:${'canary'.repeat(10)}@host/0`], { maxLength: 30 }), 'canary')
  })

  it('stays short and quick however large the arguments are', () => {
    const large = Array.from({ length: 100_000 }, () => ({ text: 'x'.repeat(1000) }))

    for (const shown of [
      argsRepr(large),
      argsRepr([large]),
      kwargsRepr({ large }),
      argsRepr(['x'.repeat(10_000_000)]),
      argsRepr([Buffer.alloc(10_000_000)]),
    ])
      assert.isBelow(shown.length, 1100)
    assert.isBelow(argsRepr(large, { maxLength: 20 }).length, 40)
  })

  it('never throws', () => {
    const fail = () => {
      throw new Error('mine')
    }
    const cyclic: unknown[] = [1]
    cyclic.push(cyclic)

    assert.equal(argsRepr(cyclic), '(1, [1, [1, [...]]])')
    assert.include(argsRepr([1, { get a() { return fail() } }]), '(1, ') // biome-ignore format: one line
    assert.include(argsRepr([1, new Proxy({}, { ownKeys: fail })]), '(1, ')
    assert.equal(argsRepr([Symbol('x'), fail, new Date(Number.NaN)]), '(Symbol(x), <function fail>, <invalid date>)')
    assert.include(argsRepr([new Date(8.64e15)]), '(')
  })
})
