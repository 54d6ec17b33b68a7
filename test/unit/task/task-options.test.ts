import { assert } from 'chai'
import { InvalidTask } from '../../../lib/base/errors.ts'
import { effectiveTaskOptions, type TaskOptions, validateTaskOptions } from '../../../lib/task/task-options.ts'
import { callDefaults } from './support/fake-app.ts'

const effective = (options: TaskOptions, defaults = callDefaults()) =>
  effectiveTaskOptions({ name: 'math.add', options }, defaults)

describe('task options', () => {
  describe('validateTaskOptions', () => {
    it('takes every option that Celery has and this version supports', () => {
      const hook = () => {}
      const options: TaskOptions = {
        name: 'math.add',
        queue: 'math',
        exchange: '',
        routingKey: 'math.#',
        priority: 255,
        expires: '1h',
        deliveryMode: 1,
        serializer: 'msgpack',
        compression: 'zlib',
        ignoreResult: true,
        storeErrorsEvenIfIgnored: true,
        trackStarted: true,
        autoretryFor: [Error, TypeError, 'shop.errors.OutOfStock'],
        dontAutoretryFor: [],
        throws: ['ValueError'],
        maxRetries: null,
        defaultRetryDelay: 0,
        retryBackoff: '500ms',
        retryBackoffMax: 60,
        retryJitter: false,
        retryKwargs: { countdown: '1s', maxRetries: 9 },
        acksLate: false,
        acksOnFailureOrTimeout: false,
        acksOnFailure: true,
        acksOnTimeout: true,
        rejectOnWorkerLost: false,
        timeLimit: 86_400,
        softTimeLimit: '10s',
        typing: false,
        beforeStart: hook,
        onSuccess: hook,
        onFailure: hook,
        onRetry: hook,
        afterReturn: hook,
      }

      validateTaskOptions(options, 'It')
    })

    const wrong: [options: object, reason: RegExp][] = [
      [{ maxRetrys: 3 }, /"maxRetrys" is no option of a task \(did you mean "maxRetries"\?\)/],
      [{ max_retries: 3 }, /did you mean "maxRetries"\?/],
      [{ Bind: true }, /did you mean "bind"\?/],
      [{ xyzzyx: 3 }, /"xyzzyx" is no option of a task\./],
      [{ timeLimit: 90_000 }, /timeLimit: 90000 seconds is over a day; did you mean milliseconds\?/],
      [{ softTimeLimit: '30 sec' }, /softTimeLimit must be a duration/],
      [{ timeLimit: 5, softTimeLimit: '6s' }, /softTimeLimit \(6s\) is over timeLimit \(5\)/],
      [{ expires: new Date() }, /expires must be a duration/],
      [{ priority: 256 }, /priority must be a whole number from 0 to 255, not 256/],
      [{ priority: 1.5 }, /priority must be/],
      [{ maxRetries: -1 }, /maxRetries must be a whole number, 0 or more, or null for no limit, not -1/],
      [{ autoretryFor: Error }, /autoretryFor must be a list of error classes and their names, not the function Error/],
      [{ autoretryFor: [class {}] }, /autoretryFor must be a list/],
      [{ throws: [''] }, /throws must be a list/],
      [{ retryBackoff: 'yes' }, /retryBackoff must be a duration/],
      [{ retryKwargs: { countdwn: 3 } }, /retryKwargs has no "countdwn" \(did you mean "countdown"\?\)/],
      [{ retryKwargs: { countdown: -3 } }, /retryKwargs: countdown must be a number of seconds/],
      [{ retryKwargs: 5 }, /retryKwargs must be an object/],
      [{ queue: '' }, /queue must be text/],
      [{ queue: 'a\nb' }, /queue must be text/],
      [{ acksLate: 1 }, /acksLate must be true or false, not 1/],
      [{ onSuccess: 'notify' }, /onSuccess must be a function, not "notify"/],
      [{ deliveryMode: 3 }, /deliveryMode must be 1 \(transient\) or 2 \(persistent\), not 3/],
      [{ name: '1x' }, /name must be letters/],
    ]
    for (const [options, reason] of wrong)
      it(`refuses ${Object.keys(options)} ${JSON.stringify(Object.values(options)[0])}`, () => {
        assert.throws(() => validateTaskOptions(options, 'Task "x"'), InvalidTask, reason)
      })

    for (const option of ['rateLimit', 'unique', 'debounce', 'throttle', 'concurrency', 'batch', 'pool'])
      it(`says that ${option} is not supported yet, rather than ignore it`, () => {
        assert.throws(() => validateTaskOptions({ [option]: 5 }, 'It'), InvalidTask, `${option} is not supported yet`)
      })

    it('names everything that is wrong at once', () => {
      const options = { maxRetrys: 3, timeLimit: '30 sec', rateLimit: '1/s' }

      assert.throws(
        () => validateTaskOptions(options, 'Task "x"'),
        /^Task "x" has 3 wrong options: "maxRetrys".*; timeLimit.*; rateLimit is not supported yet\.$/,
      )
    })

    it('takes an undefined option for an absent one', () => {
      validateTaskOptions({ queue: undefined, rateLimit: undefined, nonsense: undefined }, 'It')
    })
  })

  describe('effectiveTaskOptions', () => {
    it('fills in Celery’s defaults', () => {
      assert.deepInclude(effective({}), {
        maxRetries: 3,
        defaultRetryDelayMs: 180_000,
        retryBackoff: false,
        retryBackoffMaxMs: 600_000,
        retryJitter: true,
        autoretryFor: [],
        throws: [],
        typing: true,
        expiresMs: undefined,
        queue: undefined,
      })
    })

    it('takes what the task leaves out from the app', () => {
      const defaults = callDefaults({ serializer: 'msgpack', timeLimitMs: 9000, acksLate: false, trackStarted: true })

      assert.deepInclude(effective({}, defaults), {
        serializer: 'msgpack',
        timeLimitMs: 9000,
        acksLate: false,
        trackStarted: true,
      })
      assert.deepInclude(
        effective({ serializer: 'json', timeLimit: 1, acksLate: true, trackStarted: false }, defaults),
        {
          serializer: 'json',
          timeLimitMs: 1000,
          acksLate: true,
          trackStarted: false,
        },
      )
    })

    it('computes every time in ms', () => {
      const options = {
        timeLimit: '1m',
        softTimeLimit: 0.5,
        expires: 10,
        defaultRetryDelay: '2s',
        retryBackoffMax: '1h',
      } as const

      assert.deepInclude(effective({ ...options, retryBackoff: true }), {
        timeLimitMs: 60_000,
        softTimeLimitMs: 500,
        expiresMs: 10_000,
        defaultRetryDelayMs: 2000,
        retryBackoffMaxMs: 3_600_000,
        retryBackoff: { firstMs: 1000 },
      })
    })

    it('takes acksOnFailureOrTimeout for both, unless one is said by itself', () => {
      assert.deepInclude(effective({ acksOnFailureOrTimeout: false }), { acksOnFailure: false, acksOnTimeout: false })
      assert.deepInclude(effective({ acksOnFailureOrTimeout: false, acksOnTimeout: true }), {
        acksOnFailure: false,
        acksOnTimeout: true,
      })
    })

    it('lets annotations win over the task’s own, those of the task over those of all', () => {
      const annotations = {
        '*': { queue: 'all', maxRetries: 7 },
        'math.add': { maxRetries: null, priority: undefined },
      }

      assert.deepInclude(effective({ queue: 'own', maxRetries: 1, priority: 4 }, callDefaults({ annotations })), {
        queue: 'all',
        maxRetries: null,
        priority: 4,
      })
    })

    it('refuses a wrong annotation', () => {
      const annotations = { '*': { maxRetrys: 7 } } as Record<string, TaskOptions>

      assert.throws(
        () => effective({}, callDefaults({ annotations })),
        InvalidTask,
        /taskAnnotations\["\*"\].*maxRetrys/,
      )
    })

    it('is computed once for each task and app', () => {
      const task = { name: 'math.add', options: {} }
      const defaults = callDefaults()

      assert.strictEqual(effectiveTaskOptions(task, defaults), effectiveTaskOptions(task, defaults))
      assert.notStrictEqual(effectiveTaskOptions(task, defaults), effectiveTaskOptions(task, callDefaults()))
    })
  })
})
