import { assert } from 'chai'
import { SoftTimeLimitExceeded, WorkerShutdown } from '../../../lib/base/errors.ts'
import type { AppEventName } from '../../../lib/hook/hooks.ts'
import { TaskError } from '../../../lib/message/error-record.ts'
import { Attempt, runAttempt } from '../../../lib/run/attempt.ts'
import type { Outcome } from '../../../lib/run/outcome.ts'
import { currentTask, type TaskContext } from '../../../lib/task/task-context.ts'
import { Ignore, Reject, Retry } from '../../../lib/task/task-signals.ts'
import { type AttemptBench, attemptBench, readOutgoing } from '../../support/attempts.ts'

/** The outcome, which must be of that kind. */
function as<K extends Outcome['kind']>(kind: K, outcome: Outcome): Extract<Outcome, { kind: K }> {
  assert.equal(outcome.kind, kind, JSON.stringify(outcome))
  return outcome as Extract<Outcome, { kind: K }>
}

class OutOfStock extends TaskError {
  static readonly type = 'OutOfStock'
  static readonly module = 'shop.errors'
}

describe('runAttempt', () => {
  let bench: AttemptBench
  beforeEach(async () => {
    bench = await attemptBench()
  })
  afterEach(() => bench.app.close())
  const run = (...given: Parameters<AttemptBench['job']>): Promise<Outcome> =>
    runAttempt(bench.job(...given), bench.parts)

  describe('of a task that returns', () => {
    it('encodes what a plain or an asynchronous function returns, nothing as null', async () => {
      bench.app.task('plain', (x: number) => ({ twice: x * 2 }))
      bench.app.task('later', async (x: number) => [x])
      bench.app.task('nothing', () => {})

      const value = { contentType: 'application/json', contentEncoding: 'utf-8' }
      assert.deepEqual(as('succeeded', await run('plain', [2])).value, { ...value, data: '{"twice":4}' })
      assert.deepEqual(as('succeeded', await run('later', [2])).value, { ...value, data: '[2]' })
      assert.deepEqual(as('succeeded', await run('nothing')).value, { ...value, data: 'null' })
    })

    it('binds keyword arguments by name, and hands over the context first', async () => {
      bench.app.task(
        { name: 'build', bind: true, params: ['year', 'format?'] },
        (task: TaskContext, year: number, format = 'pdf') => `${task.id === currentTask()?.id} ${year} ${format}`,
      )

      assert.equal(as('succeeded', await run('build', [2026])).value.data, '"true 2026 pdf"')
      assert.equal(
        as('succeeded', await run('build', [], { kwargs: { format: 'html', year: 1 } })).value.data,
        '"true 1 html"',
      )
    })

    it('knows its own task below awaits, and not the one of a neighbour', async () => {
      bench.app.task('who', async () => {
        await new Promise((resolve) => setImmediate(resolve))
        return currentTask()?.id
      })

      const ids = ['id-1', 'id-2', 'id-3']
      const outcomes = await Promise.all(ids.map((taskId) => run('who', [], { taskId })))

      assert.deepEqual(
        outcomes.map((outcome) => as('succeeded', outcome).value.data),
        ids.map((id) => JSON.stringify(id)),
      )
      assert.isUndefined(currentTask())
    })

    it('fails when the result cannot travel, naming where, and does not run again for it', async () => {
      bench.app.task({ name: 'map', autoretryFor: [Error] }, () => ({ list: [1, () => {}] }))

      const failed = as('failed', await run('map'))

      assert.equal(failed.error.exc_type, 'EncodeError')
      assert.match(String(failed.error.exc_message[0]), /list\[1\]/)
    })

    it('fails when the result is larger than resultMaxSize', async () => {
      const small = await attemptBench({ resultMaxSize: 2048 })
      small.app.task('large', () => 'x'.repeat(3000))

      const failed = as('failed', await runAttempt(small.job('large'), small.parts))

      assert.match(String(failed.error.exc_message[0]), /3002 bytes, over the limit of 2048/)
      await small.app.close()
    })

    it('sends its links and the next step of its chain with the result in front', async () => {
      bench.app.task('first', () => 'r')
      const next = {
        task: 'next',
        args: [],
        kwargs: {},
        options: { task_id: 'n1' },
        subtask_type: null,
        immutable: false,
      }
      const last = { ...next, task: 'last', options: { task_id: 'n2' } }
      const link = { ...next, task: 'link', args: ['own'], options: { task_id: 'l1', queue: 'other' } }
      const fixed = { ...link, options: { task_id: 'l2' }, immutable: true }
      const job = bench.job('first', [], { taskId: 'f1' })
      const body = JSON.stringify([[], {}, { callbacks: [link, fixed], chain: [last, next] }])

      const { follow } = as('succeeded', await runAttempt({ ...job, message: { ...job.message, body } }, bench.parts))

      const sent = follow.map((one) => ({ ...readOutgoing(one, bench.parts), queue: one.route.routingKey }))
      assert.deepEqual(
        sent.map(({ headers, body: { args }, queue }) => [
          headers.task,
          headers.id,
          headers.parentId,
          headers.rootId,
          args,
          queue,
        ]),
        [
          ['link', 'l1', 'f1', 'f1', ['r', 'own'], 'other'],
          ['link', 'l2', 'f1', 'f1', ['own'], 'celery'],
          ['next', 'n1', 'f1', 'f1', ['r'], 'celery'],
        ],
      )
      assert.deepEqual(sent[2]!.body.embed.chain, [last])
    })

    it('tells what it sent while it ran', async () => {
      bench.app.task({ name: 'parent', bind: true }, (task: TaskContext) => {
        ;(task as unknown as Record<symbol, { noteChild(tuple: unknown): void }>)[Symbol.for('umbel.hooks')]!.noteChild(
          [['c1', null], null],
        )
      })

      assert.deepEqual(as('succeeded', await run('parent')).children, [[['c1', null], null]])
    })
  })

  describe('of a task that throws', () => {
    it('fails with the error as Celery names it, its stack, and whether it was expected', async () => {
      bench.app.task({ name: 'boom', throws: [OutOfStock] }, (kind: string) => {
        throw kind === 'stock' ? new OutOfStock('apple', 3) : new TypeError('boom')
      })

      const typed = as('failed', await run('boom', ['type']))
      const stock = as('failed', await run('boom', ['stock']))

      assert.deepEqual(typed.error, { exc_type: 'TypeError', exc_message: ['boom'], exc_module: 'builtins' })
      assert.match(typed.traceback, /TypeError: boom\n\s+at /)
      assert.isFalse(typed.expected)
      assert.deepEqual(stock.error, { exc_type: 'OutOfStock', exc_message: ['apple', 3], exc_module: 'shop.errors' })
      assert.isTrue(stock.expected)
    })

    it('takes whatever was thrown, also nothing at all', async () => {
      const thrown = ['text', undefined, null, 7, { code: 1 }]
      bench.app.task('throws', async (index: number) => {
        throw thrown[index]
      })

      for (const index of thrown.keys()) {
        const { error } = as('failed', await run('throws', [index]))
        assert.equal(error.exc_type, 'Exception', String(thrown[index]))
      }
    })

    it('sends its error links with its id', async () => {
      bench.app.task('boom', () => {
        throw new Error('boom')
      })
      const link = { task: 'alert', args: ['own'], kwargs: {}, options: {}, subtask_type: null, immutable: false }
      const job = bench.job('boom', [], { taskId: 'b1' })
      const body = JSON.stringify([[], {}, { errbacks: [link], callbacks: [link] }])

      const { follow } = as('failed', await runAttempt({ ...job, message: { ...job.message, body } }, bench.parts))

      assert.deepEqual(
        follow.map((one) => readOutgoing(one, bench.parts).body.args),
        [['b1', 'own']],
      )
    })

    it('fails with a TypeError when the arguments do not suit', async () => {
      bench.app.task({ name: 'one', params: ['x'] }, (x: number) => x)
      bench.app.task('nameless', (x: number) => x)

      const missing = as('failed', await run('one'))
      const named = as('failed', await run('nameless', [], { kwargs: { x: 1 } }))

      assert.match(String(missing.error.exc_message[0]), /missing 1 required argument: 'x'/)
      assert.equal(named.error.exc_type, 'TypeError')
    })

    it('is ignored, rejected or given back when it says so', async () => {
      bench.app.task('steers', (how: string) => {
        if (how === 'ignore') throw new Ignore()
        throw new Reject('busy', { requeue: how === 'requeue' })
      })

      as('ignored', await run('steers', ['ignore']))
      assert.deepInclude(await run('steers', ['reject']), { kind: 'rejected', reason: 'busy', requeue: false })
      assert.deepInclude(await run('steers', ['requeue']), { kind: 'rejected', reason: 'busy', requeue: true })
    })
  })

  describe('of a task that retries', () => {
    it('sends the same task again: same id, one retry more, due after the countdown, back to its queue', async () => {
      bench.app.task({ name: 'again', bind: true }, (task: TaskContext, x: number) => {
        throw task.retry({ countdown: 10, error: new RangeError(`no ${x}`) })
      })
      const options = {
        taskId: 'a1',
        queue: 'mail',
        priority: 3,
        timeLimit: 60,
        shadow: 'shown',
        headers: { tenant: 't1' },
      }

      const retry = as('retry', await run('again', [7], options))

      const { headers, body } = readOutgoing(retry.next, bench.parts)
      assert.deepInclude(headers, {
        id: 'a1',
        task: 'again',
        retries: 1,
        parentId: 'a1',
        rootId: 'a1',
        shadow: 'shown',
      })
      assert.deepEqual({ ...headers.custom }, { tenant: 't1' })
      assert.deepEqual(headers.timeLimits, { hard: 60, soft: undefined })
      assert.deepEqual(body.args, [7])
      assert.deepEqual(retry.next.route, { exchange: '', routingKey: 'mail' })
      assert.equal(retry.next.message.properties.priority, 3)
      assert.equal(retry.next.notBefore, bench.clock.now() + 10_000)
      assert.deepEqual(retry.error, { exc_type: 'ValueError', exc_message: ['no 7'], exc_module: 'builtins' })
      assert.deepEqual(retry.children, [[['a1', null], null]])
    })

    it('keeps links, group and the rest of the chain', async () => {
      bench.app.task('again', () => {
        throw new Retry({ countdown: 0 })
      })
      const signature = {
        task: 'x',
        args: [],
        kwargs: {},
        options: { task_id: 's1' },
        subtask_type: null,
        immutable: false,
      }
      const job = bench.job('again')
      const body = JSON.stringify([[], {}, { callbacks: [signature], errbacks: [signature], chain: [signature] }])
      const headers = { ...job.headers, group: 'g1', groupIndex: 2 }

      const { next } = as(
        'retry',
        await runAttempt({ ...job, headers, message: { ...job.message, body } }, bench.parts),
      )

      const sent = readOutgoing(next, bench.parts)
      assert.deepInclude(sent.headers, { group: 'g1', groupIndex: 2 })
      assert.deepInclude(sent.body.embed, { callbacks: [signature], errbacks: [signature], chain: [signature] })
    })

    it('takes other arguments from retry()', async () => {
      bench.app.task({ name: 'again', bind: true }, (task: TaskContext) => task.retry({ args: [1], kwargs: { y: 2 } }))

      const { next } = as('retry', await run('again', [0]))

      const { body } = readOutgoing(next, bench.parts)
      assert.deepEqual([body.args, { ...body.kwargs }], [[1], { y: 2 }])
    })

    it('follows autoretryFor with its backoff, and stops at maxRetries with the error itself', async () => {
      bench.app.task(
        { name: 'flaky', autoretryFor: ['ValueError'], retryBackoff: 2, retryJitter: false, maxRetries: 2 },
        () => {
          throw new RangeError('flaky')
        },
      )
      const job = bench.job('flaky')
      const tried = (retries: number): Promise<Outcome> =>
        runAttempt({ ...job, headers: { ...job.headers, retries } }, bench.parts)

      const waits = [as('retry', await tried(0)), as('retry', await tried(1))].map(
        ({ next }) => next.notBefore! - bench.clock.now(),
      )
      const failed = as('failed', await tried(2))

      assert.deepEqual(waits, [2_000, 4_000])
      assert.equal(failed.error.exc_type, 'ValueError')
    })

    it('fails when the new arguments cannot travel', async () => {
      bench.app.task({ name: 'again', bind: true }, (task: TaskContext) => task.retry({ args: [() => {}] }))

      assert.equal(as('failed', await run('again')).error.exc_type, 'EncodeError')
    })
  })

  describe('told to end', () => {
    it('fails with SoftTimeLimitExceeded, also where an API threw an AbortError of its own', async () => {
      bench.app.task({ name: 'waits', bind: true }, (task: TaskContext) => {
        return new Promise((_, reject) => {
          task.signal.addEventListener('abort', () =>
            reject(new DOMException('The operation was aborted', 'AbortError')),
          )
        })
      })
      const attempt = new Attempt(bench.job('waits'), bench.parts)
      const ended = attempt.run()
      attempt.abort(new SoftTimeLimitExceeded('too long'))

      assert.equal(as('failed', await ended).error.exc_type, 'SoftTimeLimitExceeded')
    })

    it('gives the reason to a function that looks at its signal only later', async () => {
      bench.app.task({ name: 'looks', bind: true }, async (task: TaskContext) => {
        await new Promise((resolve) => setImmediate(resolve))
        return `${task.signal.aborted} ${(task.signal.reason as Error).name}`
      })
      const attempt = new Attempt(bench.job('looks'), bench.parts)
      const ended = attempt.run()
      attempt.abort(new SoftTimeLimitExceeded('too long'))

      assert.equal(as('succeeded', await ended).value.data, '"true SoftTimeLimitExceeded"')
    })

    it('is no failure when the worker stops', async () => {
      bench.app.task({ name: 'waits', bind: true }, async (task: TaskContext) => {
        await new Promise((resolve) => task.signal.addEventListener('abort', resolve))
        throw new Error('could not finish')
      })
      const attempt = new Attempt(bench.job('waits'), bench.parts)
      const ended = attempt.run()
      attempt.abort(new WorkerShutdown('stopping'))

      as('released', await ended)
    })

    it('has no effect any more once it was ended: no state, no hook, no event', async () => {
      const told: string[] = []
      let release = (): void => {}
      bench.app.task(
        { name: 'ignores', bind: true, onSuccess: () => void told.push('onSuccess') },
        async (task: TaskContext) => {
          await new Promise<void>((resolve) => {
            release = resolve
          })
          await task.progress(1, 2)
        },
      )
      bench.app.on('taskSuccess', () => void told.push('taskSuccess'))
      const attempt = new Attempt(bench.job('ignores'), bench.parts)
      const returned = attempt.run()

      const outcome = attempt.release()
      release()
      await returned

      as('released', outcome)
      assert.isEmpty(told)
      assert.isEmpty(bench.kept)
    })

    it('past its hard limit is timed out with its error links, and its hooks are told', async () => {
      const told: string[] = []
      bench.app.task(
        {
          name: 'hangs',
          onFailure: (error) => void told.push(`onFailure ${error.name}`),
          afterReturn: ({ kind }) => void told.push(`afterReturn ${kind}`),
        },
        () => new Promise(() => {}),
      )
      bench.app.on('taskFailure', ({ error }) => void told.push(`taskFailure ${error.name}`))
      const link = { task: 'alert', args: [], kwargs: {}, options: {}, subtask_type: null, immutable: false }
      const job = bench.job('hangs')
      const body = JSON.stringify([[], {}, { errbacks: [link] }])
      const attempt = new Attempt({ ...job, message: { ...job.message, body } }, bench.parts)
      void attempt.run()

      const outcome = as('timed-out', attempt.timeOut(1_000))
      await bench.clock.advance(0)

      assert.equal(outcome.limitMs, 1_000)
      assert.lengthOf(outcome.follow, 1)
      assert.deepEqual(told, ['onFailure TimeLimitExceeded', 'afterReturn failed', 'taskFailure TimeLimitExceeded'])
    })
  })

  describe('around the function', () => {
    it('calls hooks and listeners in the order of a task’s life', async () => {
      const told: string[] = []
      const tell = (what: string) => () => void told.push(what)
      bench.app.task(
        {
          name: 'life',
          beforeStart: tell('beforeStart'),
          onSuccess: tell('onSuccess'),
          onFailure: tell('onFailure'),
          onRetry: tell('onRetry'),
          afterReturn: ({ kind }) => void told.push(`afterReturn ${kind}`),
        },
        (how: string) => {
          told.push('function')
          if (how === 'retry') throw new Retry()
          if (how === 'fail') throw new Error('fail')
        },
      )
      const events: AppEventName[] = ['taskStarted', 'taskSuccess', 'taskRetry', 'taskFailure', 'taskFinished']
      for (const event of events) bench.app.on(event, tell(event))

      await run('life', ['ok'])
      await run('life', ['retry'])
      await run('life', ['fail'])

      const before = ['taskStarted', 'beforeStart', 'function']
      assert.deepEqual(told, [
        ...before,
        ...['onSuccess', 'afterReturn succeeded', 'taskSuccess', 'taskFinished'],
        ...before,
        ...['onRetry', 'afterReturn retried', 'taskRetry', 'taskFinished'],
        ...before,
        ...['onFailure', 'afterReturn failed', 'taskFailure', 'taskFinished'],
      ])
    })

    it('keeps the outcome when a hook throws, and logs it; but beforeStart is part of the task', async () => {
      const boom = (): never => {
        throw new Error('hook')
      }
      bench.app.task({ name: 'hooked', onSuccess: boom, afterReturn: async () => boom() }, () => 1)
      bench.app.task({ name: 'before', beforeStart: boom }, () => 1)

      as('succeeded', await run('hooked'))
      as('failed', await run('before'))

      assert.deepEqual(
        bench.lines.map(({ level, message }) => `${level} ${/hook (\w+)/.exec(message)?.[1]}`),
        ['error onSuccess', 'error afterReturn'],
      )
    })

    it('runs inside the middleware of the app, with the context', async () => {
      bench.app.task('inner', (x: number) => x)
      bench.app.use(
        async (task, next) => `${task.name} ${task.args[0]} ${await next()} ${currentTask()?.id === task.id}`,
      )

      assert.equal(as('succeeded', await run('inner', [1])).value.data, '"inner 1 1 true"')
    })

    it('stores states when asked, STARTED where it is tracked, and never with ignoreResult', async () => {
      bench.app.task({ name: 'tracked', bind: true, trackStarted: true }, async (task: TaskContext) => {
        await task.updateState('CUSTOM', { any: 1 })
        await task.progress(1, 10)
      })

      await run('tracked', [], { taskId: 't1' })
      await run('tracked', [], { taskId: 't2', ignoreResult: true })

      const seen = bench.kept.map(({ id, state, document }) => [id, state, JSON.parse(document as string).result])
      assert.deepEqual(seen.slice(0, 3), [
        ['t1', 'STARTED', { pid: process.pid, hostname: 'w1@test' }],
        ['t1', 'CUSTOM', { any: 1 }],
        ['t1', 'PROGRESS', { current: 1, total: 10 }],
      ])
      assert.deepEqual(
        seen.slice(3).map(([, state]) => state),
        ['CUSTOM', 'PROGRESS'],
      )
    })

    it('shows the task all that its message says', async () => {
      let seen: TaskContext | undefined
      bench.app.task({ name: 'looks', bind: true, maxRetries: 7 }, (task: TaskContext) => {
        seen = task
      })
      const options = {
        taskId: 'l1',
        headers: { tenant: 't1' },
        priority: 4,
        replyTo: 'r1',
        eta: new Date(bench.clock.now()),
      }

      await runAttempt(
        bench.job('looks', [], options, { redelivered: true, attempt: 3, softTimeLimitMs: 1_500 }),
        bench.parts,
      )

      const task = seen!
      assert.deepInclude(
        {
          ...pick(task, [
            'id',
            'name',
            'retries',
            'maxRetries',
            'rootId',
            'queue',
            'priority',
            'attempt',
            'hostname',
            'replyTo',
          ]),
        },
        {
          id: 'l1',
          name: 'looks',
          retries: 0,
          maxRetries: 7,
          rootId: 'l1',
          queue: 'celery',
          priority: 4,
          attempt: 3,
          hostname: 'w1@test',
          replyTo: 'r1',
        },
      )
      assert.deepEqual({ ...task.headers }, { tenant: 't1' })
      assert.deepEqual(task.deliveryInfo, { exchange: '', routingKey: 'celery', priority: 4, redelivered: true })
      assert.deepEqual(task.timeLimits, { soft: 1.5, hard: undefined })
      assert.equal(task.eta?.getTime(), bench.clock.now())
      assert.deepEqual([task.isEager, task.isDirect, task.redelivered], [false, false, true])
      assert.deepEqual([...task.stampedHeaders], [])
    })

    it('logs with the task’s name and id', async () => {
      bench.app.task({ name: 'logs', bind: true }, ({ log }: TaskContext) => log.info({ step: 1 }, 'here'))

      await run('logs', [], { taskId: 'l1' })

      assert.deepEqual(bench.lines, [{ level: 'info', fields: { task: 'logs', id: 'l1', step: 1 }, message: 'here' }])
    })
  })

  describe('of a message that can’t be used', () => {
    it('is refused without calling anything', async () => {
      bench.app.task('never', () => assert.fail('it ran'))
      const job = bench.job('never')
      const withBody = (body: string) => runAttempt({ ...job, message: { ...job.message, body } }, bench.parts)
      const group = {
        task: 'celery.group',
        args: [],
        kwargs: { tasks: [] },
        options: {},
        subtask_type: 'group',
        immutable: false,
      }

      assert.equal(as('refused', await withBody('{nonsense')).reason, 'undecodable')
      assert.equal(as('refused', await withBody('[[], {}]')).reason, 'malformed')
      assert.equal(
        as('refused', await withBody(JSON.stringify([[], {}, { callbacks: [group] }]))).reason,
        'unsupported',
      )
      assert.equal(as('refused', await run('unheard')).reason, 'unknown-task')
    })
  })
})

function pick(context: TaskContext, names: readonly (keyof TaskContext)[]): Record<string, unknown> {
  return Object.fromEntries(names.map((name) => [name, context[name]]))
}

describe('signatures that a message asks to follow', () => {
  it('are tried before the task runs, which is refused where they cannot be sent', async () => {
    const bench = await attemptBench({ taskQueues: ['celery', { name: 'mail', exchange: 'post' }] })
    let runs = 0
    bench.app.task('first', () => ++runs)
    const link = (options: object) => bench.app.signature({ task: 'next', args: [], kwargs: {}, options })
    const outcomes = []

    for (const options of [
      { exchange: 'elsewhere' },
      { serializer: 'pickle' },
      { exchange: 'post', routing_key: 'mail' },
    ])
      outcomes.push(await runAttempt(bench.job('first', [], { link: link(options) }), bench.parts))

    assert.equal(runs, 1)
    assert.deepEqual(
      outcomes.map((outcome) => (outcome.kind === 'refused' ? outcome.reason : outcome.kind)),
      ['content-refused', 'unsupported', 'succeeded'],
    )
    await bench.app.close()
  })

  it('are left to the route function of the user, which may need the result', async () => {
    const byTenant = (_: string, args: readonly unknown[]) => ({ queue: (args[0] as { tenant: string }).tenant })
    const bench = await attemptBench({ taskRoutes: byTenant })
    bench.app.task('first', () => ({ tenant: 'acme' }))
    const link = bench.app.signature({ task: 'next', args: [], kwargs: {}, options: {} })
    const job = bench.job('first', [{ tenant: 'acme' }], { link })

    const outcome = await runAttempt({ ...job, message: { ...job.message } }, bench.parts)

    assert.equal(outcome.kind, 'succeeded')
    await bench.app.close()
  })
})
