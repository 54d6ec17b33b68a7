import vm from 'node:vm'
import { assert } from 'chai'
import {
  BrokerUnavailable,
  MaxRetriesExceededError,
  NotRegistered,
  SchemaRefused,
  SoftTimeLimitExceeded,
  TaskRevoked,
  TimeLimitExceeded,
  TimeoutError,
  Unserializable,
  WorkerLostError,
} from '../../../lib/base/errors.ts'
import {
  errorFromRecord,
  errorRecordOf,
  matchesError,
  TaskError,
  TaskFailed,
  tracebackOf,
} from '../../../lib/message/error-record.ts'
import { JsonSerializer } from '../../../lib/message/json-serializer.ts'
import { MsgpackSerializer } from '../../../lib/message/msgpack-serializer.ts'
import { TypedValue } from '../../../lib/message/typed-value.ts'
import { celeryVersions, fixture } from '../../wire/captured.ts'

class OutOfStock extends TaskError {
  static type = 'OutOfStock'
  static module = 'shop.errors'
  readonly sku: string
  readonly left: number
  constructor(sku: string, left: number) {
    super(sku, left)
    this.sku = sku
    this.left = left
  }
}
class Discontinued extends OutOfStock {}
class MyError extends Error {}

const record = (type: string, args: unknown, module: unknown = 'builtins') => ({
  exc_type: type,
  exc_message: args,
  exc_module: module,
})
const fail = () => {
  throw new Error('hostile')
}

describe('errorRecordOf', () => {
  for (const [error, expected] of [
    [new Error('boom'), record('Exception', ['boom'])],
    [new TypeError('boom'), record('TypeError', ['boom'])],
    [new RangeError('boom'), record('ValueError', ['boom'])],
    [new SyntaxError('boom'), record('SyntaxError', ['boom'])],
    [new ReferenceError('boom'), record('NameError', ['boom'])],
    [new URIError('boom'), record('ValueError', ['boom'])],
    [new EvalError('boom'), record('RuntimeError', ['boom'])],
    [new AggregateError([new Error('a')], 'boom'), record('ExceptionGroup', ['boom'])],
    [new AggregateError([new Error('a'), 1]), record('ExceptionGroup', ['2 errors: a'])],
    [new Error(), record('Exception', [])],
    [new MyError('boom'), record('MyError', ['boom'], 'js')],
    [Object.assign(new Error('boom'), { name: 'ValidationError' }), record('ValidationError', ['boom'], 'js')],
    [new DOMException('boom', 'AbortError'), record('AbortError', ['boom'], 'js')],
    [new OutOfStock('A-1', 3), record('OutOfStock', ['A-1', 3], 'shop.errors')],
    [new Discontinued('A-1', 0), record('Discontinued', ['A-1', 0], 'shop.errors')],
    [new TaskError('plain'), record('TaskError', ['plain'], 'js')],
    [new TaskRevoked('x', { reason: 'expired' }), record('TaskRevokedError', ['expired'], 'celery.exceptions')],
    [new NotRegistered('x'), record('NotRegistered', ['x'], 'celery.exceptions')],
    [new MaxRetriesExceededError('x'), record('MaxRetriesExceededError', ['x'], 'celery.exceptions')],
    [new TimeLimitExceeded('x'), record('TimeLimitExceeded', ['x'], 'billiard.exceptions')],
    [new SoftTimeLimitExceeded('x'), record('SoftTimeLimitExceeded', ['x'], 'billiard.exceptions')],
    [new WorkerLostError('x'), record('WorkerLostError', ['x'], 'billiard.exceptions')],
    [new Unserializable('x'), record('EncodeError', ['x'], 'kombu.exceptions')],
    [new BrokerUnavailable('x'), record('BrokerUnavailable', ['x'], 'umbel')],
    ['text', record('Exception', ['text'])],
    [5, record('Exception', [5])],
    [null, record('Exception', ['null'])],
    [undefined, record('Exception', ['undefined'])],
    [{ a: 1 }, record('Exception', ['{ a: 1 }'])],
  ] as const)
    it(`records ${error instanceof Error ? `${error.constructor.name} "${error.message}"` : String(error)}`, () => {
      assert.deepEqual(errorRecordOf(error), expected as any)
    })

  it('records errors of another realm by their name', () => {
    assert.deepEqual(errorRecordOf(vm.runInNewContext('new RangeError("boom")')), record('ValueError', ['boom']) as any)
  })

  it('makes arguments that every serializer carries', () => {
    const cyclic: Record<string, unknown> = {}
    cyclic['self'] = cyclic
    const args = [
      new Map([[1, 2]]),
      new Date(0),
      Symbol('x'),
      () => 1,
      2n ** 70n,
      5n,
      undefined,
      [{ a: [Buffer.from('x')] }],
      cyclic,
      '\ud800',
      new TypedValue('decimal', '1'),
      { __type__: 'x', __value__: 1 },
      { toJSON: 1 },
    ]

    const { exc_message: message } = errorRecordOf(new TaskError(...args))

    for (const serializer of [
      new JsonSerializer({ typedValues: 'plain', maxDepth: 20 }),
      new MsgpackSerializer({ maxDepth: 20 }),
    ])
      assert.deepEqual(
        serializer.decode(serializer.encode(message)),
        JSON.parse(JSON.stringify(message, (_, value) => (typeof value === 'bigint' ? Number(value) : value))),
      )
    assert.equal(message[1], '1970-01-01T00:00:00.000Z')
    assert.equal(message[4], String(2n ** 70n))
  })

  it('never throws, whatever was thrown', () => {
    const hostile = [
      new Proxy({}, { get: fail, getPrototypeOf: fail, has: fail, ownKeys: fail }),
      new Proxy(new Error('x'), { get: fail }),
      Object.defineProperty(new Error('x'), 'message', { get: fail }),
      Object.defineProperty(new Error('x'), 'constructor', { get: fail }),
      Object.defineProperty(new Error('x'), 'name', { get: fail }),
      Object.defineProperty(new Error('x'), 'message', { value: { toString: fail } }),
      { toString: fail, [Symbol.toPrimitive]: fail },
      Object.assign(new TaskError('x'), { args: { length: 5 } }),
      new TaskError({ get a() { return fail() } }), // biome-ignore format: one line each
      Object.create(null),
      Object.create(Error.prototype),
    ]

    for (const error of hostile) {
      const found = errorRecordOf(error)
      assert.isString(found.exc_type)
      assert.isArray(found.exc_message)
      assert.isString(JSON.stringify(found))
      assert.isString(tracebackOf(error))
      assert.isBoolean(matchesError(error, [Error, 'ValueError']))
    }
  })

  it('stays within its bounds', () => {
    const large = new TaskError(
      'x'.repeat(1e6),
      Array(1e6).fill('y'),
      Object.fromEntries(Array.from({ length: 1e5 }, (_, index) => [`k${index}`, index])),
    )

    assert.isBelow(JSON.stringify(errorRecordOf(large)).length, 200_000)
    assert.isBelow(JSON.stringify(errorRecordOf(new Error('x'.repeat(1e6)))).length, 70_000)
    assert.isAtMost(tracebackOf(new Error('x'.repeat(1e6))).length, 65_536)
  })
})

describe('tracebackOf', () => {
  it('has the stack, the causes and what an AggregateError holds', () => {
    const error = new Error('outer', {
      cause: new AggregateError([new TypeError('first'), 'second'], 'middle', { cause: new Error('innermost') }),
    })

    const text = tracebackOf(error)

    assert.match(
      text,
      /^Error: outer\n {4}at [\s\S]*\nCaused by: AggregateError: middle[\s\S]*\nHolding error 1 of 2: TypeError: first[\s\S]*\nHolding error 2 of 2: second\nCaused by: Error: innermost/,
    )
  })

  it('ends where causes go in a circle, or on without end', () => {
    const a = new Error('a')
    const b = new Error('b', { cause: a })
    a.cause = b
    let chain = new Error('0')
    for (let index = 1; index < 10_000; index++) chain = new Error(String(index), { cause: chain })

    assert.equal(tracebackOf(b).match(/Caused by/g)?.length, 1)
    assert.isAtMost(tracebackOf(chain).length, 65_536)
  })

  it('is the text of what is no error', () => {
    assert.equal(tracebackOf('text'), 'text')
    assert.equal(tracebackOf(null), 'null')
  })
})

describe('errorFromRecord', () => {
  for (const [name, args, module, expected] of [
    ['Exception', ['boom'], 'builtins', Error],
    ['TypeError', ['boom'], 'builtins', TypeError],
    ['ValueError', ['boom'], 'builtins', RangeError],
    ['SyntaxError', ['boom'], 'builtins', SyntaxError],
    ['NameError', ['boom'], 'builtins', ReferenceError],
    ['TaskRevokedError', ['expired'], 'celery.exceptions', TaskRevoked],
    ['NotRegistered', ['a.b'], 'celery.exceptions', NotRegistered],
    ['MaxRetriesExceededError', ['boom'], 'celery.exceptions', MaxRetriesExceededError],
    ['TimeLimitExceeded', [1], 'billiard.exceptions', TimeLimitExceeded],
    ['SoftTimeLimitExceeded', [], 'billiard.exceptions', SoftTimeLimitExceeded],
    ['WorkerLostError', ['boom'], 'billiard.exceptions', WorkerLostError],
    ['SchemaRefused', ['boom'], 'umbel', SchemaRefused],
    ['KeyError', ['boom'], 'builtins', TaskFailed],
    ['RuntimeError', ['boom'], 'builtins', TaskFailed],
    ['ValueError', ['boom', 1], 'builtins', TaskFailed],
    ['ValueError', [5], 'builtins', TaskFailed],
    ['ValueError', ['boom'], null, TaskFailed],
    ['TypeError', ['boom'], 'other', TaskFailed],
    ['TimeoutError', ['boom'], 'umbel', TaskFailed],
    ['BrokerUnavailable', ['boom'], 'umbel', TaskFailed],
    ['OutOfStock', ['A-1', 3], 'shop.errors', TaskFailed],
    ['exec', ['rm'], 'child_process', TaskFailed],
    ['constructor', ['x'], 'builtins', TaskFailed],
    ['__proto__', ['x'], 'builtins', TaskFailed],
  ] as const)
    it(`makes a ${expected.name} of ${module}.${name}(${args.join(', ')})`, () => {
      const error = errorFromRecord(record(name, args, module))

      assert.equal(error.constructor, expected)
      assert.deepEqual(errorRecordOf(error), record(name, args, module) as any)
      if (args[0] !== undefined && name !== 'TaskRevokedError') assert.include(error.message, String(args[0]))
      assert.isNotEmpty(error.message)
    })

  it('keeps the reason of a revocation', () => {
    for (const reason of ['revoked', 'expired', 'terminated'] as const)
      assert.equal(
        (errorFromRecord(record('TaskRevokedError', [reason], 'celery.exceptions')) as TaskRevoked).reason,
        reason,
      )
  })

  it('says what failed where it has no class for it', () => {
    const error = errorFromRecord(record('OutOfStock', ['A-1', 3], 'shop.errors'), {
      traceback: 'Traceback …',
    }) as TaskFailed

    assert.deepInclude(
      { ...error },
      { type: 'OutOfStock', module: 'shop.errors', remoteStack: 'Traceback …', code: 'UMBEL_TASK_FAILED' },
    )
    assert.deepEqual(error.args, ['A-1', 3])
    assert.equal(error.message, 'shop.errors.OutOfStock: A-1, 3')
    assert.equal((errorFromRecord(record('KeyError', ['a'])) as TaskFailed).message, 'KeyError: a')
    assert.equal((errorFromRecord(record('KeyError', [])) as TaskFailed).message, 'KeyError')
  })

  it('shows where it happened', () => {
    for (const type of ['ValueError', 'KeyError']) {
      const error = errorFromRecord(record(type, ['boom']), { traceback: 'File "tasks.py", line 5' })
      assert.match(error.stack!, /boom[\s\S]*--- in the worker ---\nFile "tasks.py", line 5$/)
      assert.equal((error as TaskFailed).remoteStack, 'File "tasks.py", line 5')
      assert.notInclude(
        Object.keys(error).filter((key) => type === 'ValueError' && key === 'remoteStack'),
        'remoteStack',
      )
    }
  })

  it('rebuilds registered classes as themselves', () => {
    const classes = [MyError, OutOfStock, Discontinued]

    const error = errorFromRecord(record('OutOfStock', ['A-1', 3], 'shop.errors'), { classes }) as OutOfStock

    assert.equal(error.constructor, OutOfStock)
    assert.deepInclude({ ...error }, { sku: 'A-1', left: 3, name: 'OutOfStock' })
    assert.instanceOf(errorFromRecord(record('Discontinued', ['A-1', 0], 'shop.errors'), { classes }), Discontinued)
    assert.instanceOf(errorFromRecord(errorRecordOf(new MyError('boom')), { classes }), MyError)
  })

  it('falls back to TaskFailed where a registered class refuses its arguments', () => {
    class Picky extends TaskError {
      static module = 'shop.errors'
      constructor(sku: string) {
        super(sku.toUpperCase())
      }
    }

    const error = errorFromRecord(record('Picky', [5], 'shop.errors'), { classes: [Picky] })

    assert.instanceOf(error, TaskFailed)
  })

  for (const junk of [
    null,
    undefined,
    5,
    'just text',
    [],
    {},
    { exc_type: 5 },
    { exc_type: 'a b' },
    { exc_type: '' },
    { exc_type: '\u001b[31m' },
    { exc_type: 'x'.repeat(300) },
  ])
    it(`makes a TaskFailed of junk: ${JSON.stringify(junk)?.slice(0, 40)}`, () => {
      const error = errorFromRecord(junk)

      assert.instanceOf(error, TaskFailed)
      assert.isNotEmpty(error.message)
    })

  it('takes messages as Celery does: a text is one argument, nothing is one empty one', () => {
    assert.equal(errorFromRecord({ exc_type: 'ValueError', exc_message: 'bad', exc_module: 'builtins' }).message, 'bad')
    assert.equal(errorFromRecord({ exc_type: 'ValueError', exc_module: 'builtins' }).message, '')
  })

  for (const version of celeryVersions) {
    it(`reads every failure that Celery ${version} stored`, () => {
      const failures = fixture(`results-${version}`)
        .cases.flatMap((one: any) => (one.published ?? []).map((published: any) => published.payload))
        .filter((doc: any) => ['FAILURE', 'REVOKED', 'RETRY'].includes(doc.status))
      assert.isAbove(failures.length, 8)

      for (const { result, traceback } of failures)
        assert.deepEqual(errorRecordOf(errorFromRecord(result, { traceback })), result)
    })

    it(`reads every failure that was put before Celery ${version} clients`, () => {
      for (const { doc } of fixture(`result-docs-read-by-python-${version}`).cases) {
        if (doc.status !== 'FAILURE') continue
        const error = errorFromRecord(doc.result, { traceback: doc.traceback })
        assert.instanceOf(error, Error)
        if (doc.result?.exc_type) assert.equal(errorRecordOf(error).exc_type, doc.result.exc_type)
      }
    })
  }
})

describe('matchesError', () => {
  const rebuilt = errorFromRecord(record('ValueError', ['boom', 1]))

  for (const [what, error, matchers, expected] of [
    ['a class', new RangeError('x'), [RangeError], true],
    ['a base class', new Discontinued('a', 1), [OutOfStock], true],
    ['another class', new RangeError('x'), [TypeError], false],
    ["Python's name", new RangeError('x'), ['ValueError'], true],
    ["Python's full name", new RangeError('x'), ['builtins.ValueError'], true],
    ['our name', new RangeError('x'), ['RangeError'], true],
    ['another name', new RangeError('x'), ['KeyError'], false],
    ['the name of a base class', new MyError('x'), ['Exception'], true],
    ['a name with its module', new OutOfStock('a', 1), ['shop.errors.OutOfStock'], true],
    ['a name with another module', new OutOfStock('a', 1), ['other.OutOfStock'], false],
    ['the full name of a base class', new Discontinued('a', 1), ['shop.errors.OutOfStock'], true],
    ['a Python error by name', errorFromRecord(record('KeyError', ['a'])), ['KeyError'], true],
    ['a Python error by our name', rebuilt, ['RangeError'], true],
    ['a Python error by our class', rebuilt, [RangeError], true],
    [
      'an unregistered class by that class',
      errorFromRecord(record('OutOfStock', [1], 'shop.errors')),
      [OutOfStock],
      true,
    ],
    ['ours by name', new SoftTimeLimitExceeded('x'), ['SoftTimeLimitExceeded'], true],
    ['ours by class', new TimeoutError('x'), [TimeLimitExceeded, TimeoutError], true],
    ['a thrown text', 'text', ['Exception'], true],
    ['a thrown text, by class', 'text', [TypeError], false],
    ['nothing', new Error('x'), [], false],
  ] as const)
    it(`${expected ? 'finds' : 'does not find'} ${what}`, () => {
      assert.equal(matchesError(error, matchers), expected)
    })
})
