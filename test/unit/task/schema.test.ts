import type { StandardSchemaV1 } from '@standard-schema/spec'
import { type } from 'arktype'
import { assert } from 'chai'
import * as v from 'valibot'
import { z } from 'zod'
import { SchemaRefused } from '../../../lib/base/errors.ts'
import { isSchema, parseInput, parseOutput, validateInput } from '../../../lib/task/schema.ts'
import { errorOf } from './support/fake-app.ts'

const task = (input: StandardSchemaV1) => ({ name: 'web.fetch', input })
const positional = (...args: unknown[]) => ({ args, kwargs: {} })
const byName = (kwargs: Record<string, unknown>) => ({ args: [], kwargs })

/** The same schemas by three libraries. */
const libraries = {
  zod: {
    object: z.object({ url: z.string(), depth: z.coerce.number().default(1) }),
    tuple: z.tuple([z.string(), z.coerce.number()]),
    allOptional: z.object({ depth: z.number().optional() }),
    list: z.array(z.string()),
    single: z.string(),
  },
  valibot: {
    object: v.object({ url: v.string(), depth: v.optional(v.pipe(v.unknown(), v.transform(Number)), 1) }),
    tuple: v.tuple([v.string(), v.pipe(v.unknown(), v.transform(Number))]),
    allOptional: v.object({ depth: v.optional(v.number()) }),
    list: v.array(v.string()),
    single: v.string(),
  },
  arktype: {
    object: type({ url: 'string', depth: type('string.numeric.parse | number').default(1) }),
    tuple: type(['string', 'string.numeric.parse | number']),
    allOptional: type({ 'depth?': 'number' }),
    list: type('string[]'),
    single: type('string'),
  },
} as const

describe('schema', () => {
  for (const [library, { object, tuple, allOptional, list, single }] of Object.entries(libraries))
    describe(`with ${library}`, () => {
      it('an object schema is the one argument, sent as keyword arguments, in the form in which it was given', () => {
        assert.deepEqual(
          validateInput(task(object), positional({ url: 'a', depth: '2' })),
          byName({ url: 'a', depth: '2' }),
        )
        assert.deepEqual(
          validateInput(task(object), positional({ url: 'a' })),
          byName({ url: 'a' }),
          'no default is added',
        )
      })

      it('an object schema takes keyword arguments', () => {
        assert.deepEqual(validateInput(task(object), byName({ url: 'a' })), byName({ url: 'a' }))
      })

      it('the worker parses it, from keyword arguments or from the one argument', () => {
        const parsed = [{ url: 'a', depth: 2 }]

        assert.deepEqual(parseInput(task(object), byName({ url: 'a', depth: '2' })), parsed)
        assert.deepEqual(parseInput(task(object), positional({ url: 'a', depth: '2' })), parsed)
      })

      it('a tuple schema is all arguments', () => {
        assert.deepEqual(validateInput(task(tuple), positional('a', '2')), positional('a', '2'))
        assert.deepEqual(parseInput(task(tuple), positional('a', '2')), ['a', 2])
      })

      it('an array schema is all arguments', () => {
        assert.deepEqual(validateInput(task(list), positional('a', 'b')), positional('a', 'b'))
        assert.deepEqual(validateInput(task(list), positional('a')), positional('a'))
        assert.deepEqual(parseInput(task(list), positional('a', 'b')), ['a', 'b'])
        assert.deepEqual(parseInput(task(list), positional()), [])
      })

      it('any other schema is the one argument, sent by position', () => {
        assert.deepEqual(validateInput(task(single), positional('a')), positional('a'))
        assert.deepEqual(parseInput(task(single), positional('a')), ['a'])
      })

      it('an object schema without required keys takes no array for an object', async () => {
        const wrong = await errorOf(() => validateInput(task(allOptional), positional({ depth: 'deep' })))

        assert.instanceOf(wrong, SchemaRefused)
        assert.match(wrong.message, /depth/)
        assert.deepEqual(parseInput(task(allOptional), positional()), [{}])
        assert.deepEqual(parseInput(task(allOptional), byName({})), [{}])
        assert.throws(
          () => parseInput(task(allOptional), positional({}, {})),
          TypeError,
          /takes 1 argument.*2 were given/,
        )
      })

      it('an array in place of the object is refused', async () => {
        assert.instanceOf(await errorOf(() => validateInput(task(object), positional([{ url: 'a' }]))), SchemaRefused)
      })

      it('the list of all arguments given as the first is refused', async () => {
        assert.instanceOf(await errorOf(() => validateInput(task(tuple), positional(['a', '2']))), SchemaRefused)
      })

      it('an error names what is wrong, with its path', async () => {
        const missing = await errorOf(() => validateInput(task(object), positional({ depth: 1 })))
        const inTuple = await errorOf(() => parseInput(task(tuple), positional(5, '2')))
        const absent = await errorOf(() => parseInput(task(object), positional()))

        assert.match(missing.message, /^Arguments of web\.fetch were refused by its schema: url: /)
        assert.match(inTuple.message, /: 0: /)
        assert.match(absent.message, /url: /)
        assert.isArray(missing.cause)
      })
    })

  it('arguments by position and by name together are refused', () => {
    const given = { args: ['a'], kwargs: { depth: 1 } }

    assert.throws(() => validateInput(task(libraries.zod.object), given), TypeError, /by position or by name, not both/)
  })

  it('says both ways of reading one argument when it fits in neither', async () => {
    const error = await errorOf(() => validateInput(task(libraries.zod.tuple), positional('a')))

    assert.match(error.message, /as the one argument: .*; as the list of arguments: /)
  })

  it('a schema that makes a list of the one argument spreads it over the function’s arguments', () => {
    const split = z.string().transform((text) => text.split(','))

    assert.deepEqual(parseInput(task(split), positional('a,b')), ['a', 'b'])
  })

  it('a tuple schema that makes one value gives the one argument', () => {
    const joined = z.tuple([z.number(), z.number()]).transform(([x, y]) => ({ x, y }))

    assert.deepEqual(validateInput(task(joined), positional(1, 2)), positional(1, 2))
    assert.deepEqual(parseInput(task(joined), positional(1, 2)), [{ x: 1, y: 2 }])
  })

  it('is asynchronous only where the schema is', async () => {
    const slow = z.object({ url: z.string().refine(async (url) => url !== 'taken') })

    assert.notInstanceOf(validateInput(task(libraries.zod.object), positional({ url: 'a' })), Promise)
    assert.deepEqual(await validateInput(task(slow), positional({ url: 'a' })), byName({ url: 'a' }))
    assert.instanceOf(await errorOf(() => validateInput(task(slow), positional({ url: 'taken' }))), SchemaRefused)
  })

  it('a check that throws on an empty object is not taken to accept one', async () => {
    const picky = z.object({ list: z.array(z.string()).optional() }).refine(({ list }) => (list as string[]).length > 0)

    assert.deepEqual(await validateInput(task(picky), positional({ list: ['a'] })), byName({ list: ['a'] }))
  })

  it('a schema is asked about an empty object only once', () => {
    const seen: unknown[] = []
    const schema: StandardSchemaV1 = {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate(value) {
          seen.push(value)
          return { value }
        },
      },
    }
    void validateInput(task(schema), positional({ a: 1 }))
    void validateInput(task(schema), positional({ a: 2 }))

    assert.deepEqual(seen, [{}, { a: 1 }, { a: 2 }])
  })

  it('keyword arguments named __proto__ stay data', () => {
    const kwargs = JSON.parse('{"url": "a", "__proto__": {"polluted": true}}') as Record<string, unknown>

    const [parsed] = parseInput(task(z.looseObject({ url: z.string() })), { args: [], kwargs }) as [object]

    assert.isUndefined((parsed as { polluted?: unknown }).polluted)
    assert.isUndefined(({} as { polluted?: unknown }).polluted)
  })

  it('a result is parsed by the output schema, where there is one', async () => {
    const output = z.object({ when: z.coerce.date() })

    assert.equal(parseOutput({ name: 'a' }, 'anything'), 'anything')
    assert.deepEqual(parseOutput({ name: 'a', output }, { when: 0 }), { when: new Date(0) })
    const error = await errorOf(() => parseOutput({ name: 'a', output }, { when: 'never' }))
    assert.match(error.message, /^The result of a was refused by its schema: when: /)
  })

  it('knows a Standard Schema from anything else', () => {
    for (const { object } of Object.values(libraries)) assert.isTrue(isSchema(object))
    for (const other of [undefined, null, {}, () => {}, 'schema', { '~standard': { version: 2 } }])
      assert.isFalse(isSchema(other))
  })
})
