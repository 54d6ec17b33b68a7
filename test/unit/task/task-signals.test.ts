import { assert } from 'chai'
import { InvalidCall } from '../../../lib/base/errors.ts'
import { Ignore, Reject, Retry } from '../../../lib/task/task-signals.ts'

describe('task signals', () => {
  it('Retry says when and why', () => {
    const error = new TypeError('boom')
    const retry = new Retry({ countdown: '10s', error })

    assert.equal(retry.message, 'Retry in 10s: TypeError: boom')
    assert.equal(retry.cause, error)
    assert.equal(retry.delayMs, 10_000)
    assert.equal(new Retry({ eta: '2030-01-01T00:00:00+02:00' }).etaMs, Date.UTC(2029, 11, 31, 22))
    assert.equal(new Retry().message, 'Retry')
  })

  const wrong: [options: object, reason: RegExp][] = [
    [{ countdown: 1, eta: new Date() }, /both countdown and eta/],
    [{ countdown: -1 }, /countdown of retry\(\) must be a number of seconds, 0 or more, not -1/],
    [{ countdown: '10 s' }, /countdown of retry\(\) must be a duration/],
    [{ eta: new Date(Number.NaN) }, /eta of retry\(\) must be a Date .*not an invalid Date/],
    [{ eta: 5 }, /eta of retry\(\).*use countdown for a number of seconds/],
    [{ maxRetries: -1 }, /maxRetries of retry\(\)/],
    [{ maxRetries: Number.POSITIVE_INFINITY }, /null for no limit, not Infinity/],
    [{ args: 5 }, /args of retry\(\) must be a list/],
    [{ kwargs: null }, /kwargs of retry\(\) must be an object/],
  ]
  for (const [options, reason] of wrong)
    it(`Retry refuses ${JSON.stringify(options)}`, () => {
      assert.throws(() => new Retry(options), InvalidCall, reason)
    })

  it('Reject keeps its reason, and is not given back unless told so', () => {
    assert.deepInclude(new Reject('poison'), { message: 'poison', requeue: false })
    assert.isTrue(new Reject('busy', { requeue: true }).requeue)
    assert.equal(new Reject(new Error('why')).message, 'why')
    assert.isNotEmpty(new Reject().message)
  })

  it('are told apart by instanceof, also those of another copy of the package', () => {
    const copyOf = (signal: object) =>
      Object.assign(new Error('other copy'), Object.getOwnPropertyDescriptors({}), {
        [Symbol.for('umbel.signal')]: Reflect.get(signal, Symbol.for('umbel.signal')),
      })

    for (const [signal, Class] of [
      [new Retry(), Retry],
      [new Ignore(), Ignore],
      [new Reject(), Reject],
    ] as const) {
      assert.isTrue(signal instanceof Class)
      assert.isTrue(copyOf(signal) instanceof Class)
      assert.deepEqual(
        [Retry, Ignore, Reject].filter((other) => signal instanceof other),
        [Class],
      )
    }
    for (const other of [new Error('x'), null, undefined, 5, {}]) assert.isFalse(other instanceof Retry)
  })
})
