import { assert } from 'chai'
import fc from 'fast-check'
import { InvalidTask } from '../../../lib/base/errors.ts'
import { bindArguments, checkArguments, parseParams } from '../../../lib/task/params.ts'

const task = (...list: string[]) => ({ name: 'math.add', params: parseParams(list) })

describe('params', () => {
  describe('parseParams', () => {
    it('reads names, optional ones, and what collects the rest', () => {
      assert.deepEqual(parseParams(['x', 'y?', '*rest', 'flag', 'deep?', '**others']), {
        positional: [
          { name: 'x', optional: false },
          { name: 'y', optional: true },
        ],
        rest: 'rest',
        named: [
          { name: 'flag', optional: false },
          { name: 'deep', optional: true },
        ],
        namedRest: 'others',
      })
    })

    it('reads a bare star: what follows is by name only', () => {
      const { rest, named } = parseParams(['x', '*', 'flag'])

      assert.isUndefined(rest)
      assert.deepEqual(named, [{ name: 'flag', optional: false }])
    })

    it('takes names in any script, and $ and _', () => {
      assert.lengthOf(parseParams(['größe', '_private', '$el', 'данные']).positional, 4)
    })

    const wrong: [list: unknown, reason: RegExp][] = [
      [['1x'], /"1x" is no name/],
      [[''], /"" is no name/],
      [['?'], /"\?" is no name/],
      [['x y'], /is no name/],
      [['**'], /"\*\*" is no name/],
      [['***x'], /is no name/],
      [[5], /5 is no name/],
      [['x', 'x'], /'x' stands there twice/],
      [['x?', 'y'], /'y' follows one that may be left out, so it may be too: write 'y\?'/],
      [['*', '*', 'x'], /'\*' stands there twice/],
      [['*a', '*', 'x'], /'\*' stands there twice/],
      [['x', '*'], /'\*' must be followed by a name/],
      [['*', '**others'], /'\*' must be followed by a name/],
      [['**others', 'x'], /nothing may follow '\*\*others'/],
      [['*rest?'], /'\*rest' may be empty anyway/],
      ['x', /must be a list of names/],
    ]
    for (const [list, reason] of wrong)
      it(`refuses ${JSON.stringify(list)}`, () => {
        assert.throws(() => parseParams(list), InvalidTask, reason)
      })

    it('names everything that is wrong at once', () => {
      assert.throws(
        () => parseParams(['1', 'x', 'x'], 'Task "a"'),
        /^Task "a" .*"1" is no name; 'x' stands there twice/,
      )
    })
  })

  describe('bindArguments', () => {
    it('puts arguments in their places, by position and by name', () => {
      assert.deepEqual(bindArguments(task('x', 'y'), [1, 2], {}), [1, 2])
      assert.deepEqual(bindArguments(task('x', 'y'), [1], { y: 2 }), [1, 2])
      assert.deepEqual(bindArguments(task('x', 'y'), [], { y: 2, x: 1 }), [1, 2])
    })

    it('leaves absent ones out, as undefined where something comes after them', () => {
      assert.deepEqual(bindArguments(task('x', 'y?'), [1], {}), [1])
      assert.deepEqual(bindArguments(task('x?', 'y?', 'z?'), [], { z: 3 }), [undefined, undefined, 3])
      assert.isTrue(0 in bindArguments(task('x?', 'y?'), [], { y: 2 }), 'no hole is left')
    })

    it('keeps null, which is Python’s None', () => {
      assert.deepEqual(bindArguments(task('x', 'y?'), [null], { y: null }), [null, null])
    })

    it('passes further positional arguments on where *rest takes them', () => {
      assert.deepEqual(bindArguments(task('x', '*rest'), [1, 2, 3], {}), [1, 2, 3])
    })

    it('gives by-name-only arguments as one last object, also when there are none', () => {
      assert.deepEqual(bindArguments(task('x', '*', 'deep?'), [1], { deep: true }), [1, { deep: true }])
      assert.deepEqual(bindArguments(task('x', '*', 'deep?'), [1], {}), [1, {}])
      assert.deepEqual(bindArguments(task('x', 'y?', '*', 'deep?'), [1], { deep: 1 }), [1, undefined, { deep: 1 }])
      assert.deepEqual(bindArguments(task('x', '*rest', 'deep?'), [1, 2], { deep: 1 }), [1, 2, { deep: 1 }])
    })

    it('collects what ** takes in that object', () => {
      assert.deepEqual(bindArguments(task('x', '*', 'a', '**others'), [1], { a: 1, b: 2 }), [1, { a: 1, b: 2 }])
      assert.deepEqual(bindArguments(task('x', '**others'), [], { x: 1, b: 2 }), [1, { b: 2 }])
    })

    const refused: [why: string, list: string[], args: unknown[], kwargs: Record<string, unknown>][] = [
      ["math.add() missing 1 required argument: 'y'", ['x', 'y'], [1], {}],
      ["math.add() missing 2 required arguments: 'x' and 'y'", ['x', 'y'], [], {}],
      ["math.add() missing 3 required arguments: 'x', 'y' and 'z'", ['x', 'y', '*', 'z'], [], {}],
      ["math.add() missing 1 required argument: 'x'", ['x', 'y'], [], { y: 1 }],
      ["math.add() got an unexpected keyword argument 'tenant'", ['x', '*', 'deep?'], [1], { tenant: 1 }],
      ["math.add() got an unexpected keyword argument 'formt'. Did you mean 'format'?", ['format?'], [], { formt: 1 }],
      ["math.add() got multiple values for argument 'x'", ['x', 'y'], [1, 2], { x: 1 }],
      ['math.add() takes 1 positional argument but 2 were given', ['x'], [1, 2], {}],
      ['math.add() takes 0 positional arguments but 1 was given', ['*', 'x?'], [1], {}],
      ['math.add() takes from 1 to 2 positional arguments but 3 were given', ['x', 'y?'], [1, 2, 3], {}],
    ]
    for (const [why, list, args, kwargs] of refused)
      it(`says in Python’s words: ${why}`, () => {
        assert.throws(
          () => bindArguments(task(...list), args, kwargs),
          TypeError,
          new RegExp(`^${why.replace(/[()?.]/g, '\\$&')}$`),
        )
      })

    it('without params passes positional arguments as they are and refuses keyword arguments', () => {
      assert.deepEqual(bindArguments({ name: 'a' }, [1, 2], {}), [1, 2])
      assert.throws(
        () => bindArguments({ name: 'a' }, [1], { y: 2 }),
        TypeError,
        /^a\(\) got an unexpected keyword argument 'y': define the task with params/,
      )
    })

    it('takes hostile names as names', () => {
      const kwargs = JSON.parse('{"__proto__": {"polluted": true}, "constructor": 1}') as Record<string, unknown>

      const [last] = bindArguments(task('**others'), [], kwargs) as [Record<string, unknown>]

      assert.isNull(Object.getPrototypeOf(last))
      assert.deepEqual(Object.keys(last), ['__proto__', 'constructor'])
      assert.isUndefined(({} as { polluted?: unknown }).polluted)
      assert.throws(() => bindArguments(task('x?'), [], kwargs), TypeError, /unexpected keyword argument '__proto__'/)
      assert.throws(
        () => bindArguments(task('x?'), [], { toString: 1 }),
        TypeError,
        /unexpected keyword argument 'toString'/,
      )
    })

    it('binds alike whichever arguments are given by name', () => {
      const names = ['a', 'b', 'c', 'd', 'e']
      fc.assert(
        fc.property(fc.array(fc.jsonValue(), { maxLength: 5 }), fc.nat(5), (values, split) => {
          const target = task(...names.slice(0, values.length))
          const byPosition = values.slice(0, split)
          const byName = Object.fromEntries(values.slice(split).map((value, index) => [names[split + index], value]))

          assert.deepEqual(bindArguments(target, byPosition, byName), values)
        }),
      )
    })
  })

  describe('checkArguments', () => {
    it('sends the last object of by-name arguments as keyword arguments', () => {
      const given = { args: [1, { deep: true }], kwargs: {} }

      assert.deepEqual(checkArguments(task('x', '*', 'deep?'), given.args, given.kwargs), {
        args: [1],
        kwargs: { deep: true },
      })
      assert.deepEqual(given.args, [1, { deep: true }])
    })

    it('leaves an object where a positional parameter takes it', () => {
      assert.deepEqual(checkArguments(task('x', '*', 'deep?'), [{ deep: 1 }], {}).args, [{ deep: 1 }])
      assert.deepEqual(checkArguments(task('x', 'y'), [1, { deep: 1 }], {}).args, [1, { deep: 1 }])
    })

    it('refuses what the worker would refuse', () => {
      assert.throws(() => checkArguments(task('x', 'y'), [1], {}), TypeError, /missing 1 required argument: 'y'/)
    })
  })
})
