import { assert } from 'chai'
import fc from 'fast-check'
import { MaxRetriesExceededError } from '../../../lib/base/errors.ts'
import { TaskError } from '../../../lib/message/error-record.ts'
import { decideRetry, type RetryDecision } from '../../../lib/task/retry-policy.ts'
import { effectiveTaskOptions, type TaskOptions } from '../../../lib/task/task-options.ts'
import { Retry } from '../../../lib/task/task-signals.ts'
import { callDefaults } from './support/fake-app.ts'

const now = Date.UTC(2030, 0, 1)

function decide(
  error: unknown,
  options: TaskOptions = {},
  more: { retries?: number; random?: () => number } = {},
): RetryDecision {
  const effective = effectiveTaskOptions({ name: 'math.add', options }, callDefaults())
  return decideRetry({ error, task: 'math.add[1]', options: effective, retries: 0, now, ...more })
}

function delayOf(decision: RetryDecision): number {
  assert.equal(decision.kind, 'retry')
  return (decision as RetryDecision & { kind: 'retry' }).delayMs
}

class NetworkError extends Error {}
class DnsError extends NetworkError {}
class OutOfStock extends TaskError {
  static type = 'OutOfStock'
  static module = 'shop.errors'
}

describe('decideRetry', () => {
  it('an error that nothing names fails the task with itself', () => {
    const error = new Error('boom')

    assert.deepEqual(decide(error), { kind: 'fail', error })
  })

  describe('for a task that asks', () => {
    it('waits the default delay, 180 seconds', () => {
      const asked = new Retry()

      assert.deepEqual(decide(asked), {
        kind: 'retry',
        error: asked,
        delayMs: 180_000,
        notBefore: now + 180_000,
        maxRetries: 3,
        args: undefined,
        kwargs: undefined,
      })
    })

    it('waits the task’s own default delay, backoff or not', () => {
      assert.equal(delayOf(decide(new Retry(), { defaultRetryDelay: '10s' })), 10_000)
      assert.equal(delayOf(decide(new Retry(), { defaultRetryDelay: 10, retryBackoff: true })), 10_000)
    })

    it('waits as asked: by countdown, also none, or until a moment', () => {
      assert.equal(delayOf(decide(new Retry({ countdown: 5 }))), 5000)
      assert.equal(delayOf(decide(new Retry({ countdown: 0 }))), 0)
      const eta = decide(new Retry({ eta: new Date(now + 1234) }))
      assert.equal(delayOf(eta), 1234)
      assert.propertyVal(eta, 'notBefore', now + 1234)
      assert.equal(delayOf(decide(new Retry({ eta: '2029-12-31T00:00:00Z' }))), 0)
    })

    it('hands on the error that it is for, and other arguments', () => {
      const error = new Error('flaky')
      const decision = decide(new Retry({ error, args: [1], kwargs: { y: 2 } }))

      assert.deepInclude(decision, { error, args: [1], kwargs: { y: 2 } })
    })

    it('is retried maxRetries times, and then fails with the error that it was for', () => {
      const error = new Error('flaky')
      const options = { maxRetries: 2 }

      assert.equal(decide(new Retry({ error }), options, { retries: 1 }).kind, 'retry')
      assert.deepEqual(decide(new Retry({ error }), options, { retries: 2 }), { kind: 'fail', error })
    })

    it('fails with MaxRetriesExceededError when it gave no error', () => {
      const decision = decide(new Retry(), { maxRetries: 0 }) as RetryDecision & { kind: 'fail' }

      assert.instanceOf(decision.error, MaxRetriesExceededError)
      assert.match((decision.error as Error).message, /math\.add\[1\].*retried 0 times/)
    })

    it('has its own limit where it says one; null is none', () => {
      assert.equal(decide(new Retry({ maxRetries: 5 }), {}, { retries: 4 }).kind, 'retry')
      assert.equal(decide(new Retry({ maxRetries: 1 }), {}, { retries: 1 }).kind, 'fail')
      assert.equal(decide(new Retry({ maxRetries: null }), {}, { retries: 1000 }).kind, 'retry')
      assert.equal(decide(new Retry(), { maxRetries: null }, { retries: 1000 }).kind, 'retry')
    })
  })

  describe('for autoretryFor', () => {
    it('retries named errors: classes with their subclasses, names with or without module', () => {
      for (const [matcher, error] of [
        [NetworkError, new DnsError('x')],
        ['NetworkError', new NetworkError('x')],
        ['shop.errors.OutOfStock', new OutOfStock('x')],
        ['TypeError', new TypeError('x')],
        [Error, new OutOfStock('x')],
      ] as const)
        assert.equal(decide(error, { autoretryFor: [matcher] }).kind, 'retry', String(matcher))
      assert.equal(decide(new Error('x'), { autoretryFor: [NetworkError, 'shop.errors.OutOfStock'] }).kind, 'fail')
    })

    it('does not retry what dontAutoretryFor names', () => {
      const options = { autoretryFor: [NetworkError], dontAutoretryFor: [DnsError] }

      assert.equal(decide(new NetworkError(), options).kind, 'retry')
      assert.equal(decide(new DnsError(), options).kind, 'fail')
    })

    it('past the limit fails with the error itself', () => {
      const error = new NetworkError()

      assert.deepEqual(decide(error, { autoretryFor: [NetworkError] }, { retries: 3 }), { kind: 'fail', error })
    })

    it('waits as retryKwargs say, else the default delay', () => {
      const autoretryFor = [NetworkError]

      assert.equal(delayOf(decide(new NetworkError(), { autoretryFor })), 180_000)
      assert.equal(delayOf(decide(new NetworkError(), { autoretryFor, retryKwargs: { countdown: 7 } })), 7000)
      const limited = { autoretryFor, retryKwargs: { maxRetries: 5 } }
      assert.equal(decide(new NetworkError(), limited, { retries: 4 }).kind, 'retry')
      assert.equal(decide(new NetworkError(), limited, { retries: 5 }).kind, 'fail')
    })

    it('doubles from one second, or from the factor, up to the maximum', () => {
      const options = { autoretryFor: [NetworkError], retryBackoff: true, retryJitter: false, maxRetries: null }
      const delays = (more: TaskOptions) =>
        [0, 1, 2, 3, 20].map((retries) => delayOf(decide(new NetworkError(), { ...options, ...more }, { retries })))

      assert.deepEqual(delays({}), [1000, 2000, 4000, 8000, 600_000])
      assert.deepEqual(delays({ retryBackoff: 5 }), [5000, 10_000, 20_000, 40_000, 600_000])
      assert.deepEqual(delays({ retryBackoffMax: 3 }), [1000, 2000, 3000, 3000, 3000])
      assert.deepEqual(delays({ retryBackoff: 0 }), Array(5).fill(180_000))
      assert.deepEqual(delays({ retryKwargs: { countdown: 1 } }), [1000, 2000, 4000, 8000, 600_000], 'backoff wins')
    })

    it('has full jitter: any wait from nothing to the computed one', () => {
      const options = { autoretryFor: [NetworkError], retryBackoff: true, maxRetries: null }
      fc.assert(
        fc.property(fc.nat(40), fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (retries, chance) => {
          const delayMs = delayOf(decide(new NetworkError(), options, { retries, random: () => chance }))

          const fullMs = Math.min(600_000, 1000 * 2 ** retries)
          assert.isTrue(Number.isInteger(delayMs) && delayMs >= 0 && delayMs <= fullMs)
          assert.approximately(delayMs, chance * fullMs, 1)
        }),
      )
    })

    it('never changes retryKwargs, which all runs of the task share', () => {
      const retryKwargs = Object.freeze({ countdown: 3, maxRetries: 9 })

      decide(new NetworkError(), { autoretryFor: [NetworkError], retryKwargs, retryBackoff: true })

      assert.deepEqual(retryKwargs, { countdown: 3, maxRetries: 9 })
    })
  })
})
