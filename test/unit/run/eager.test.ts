import { assert } from 'chai'
import type { EagerEnding } from '../../../lib/run/eager.ts'
import { runEagerly } from '../../../lib/run/eager.ts'
import { makeCall } from '../../../lib/task/make-call.ts'
import type { TaskContext } from '../../../lib/task/task-context.ts'
import { Ignore, Reject } from '../../../lib/task/task-signals.ts'
import { type AttemptBench, attemptBench } from '../../support/attempts.ts'

describe('runEagerly', () => {
  let bench: AttemptBench
  beforeEach(async () => {
    bench = await attemptBench()
  })
  afterEach(() => bench.app.close())

  function run(name: string, args: readonly unknown[] = [], options: object = {}): Promise<EagerEnding> {
    const { app, clock } = bench
    const call = makeCall(app.tasks.find(name) ?? { name }, args, options, {
      defaults: app.callDefaults,
      now: clock.now(),
    })
    return runEagerly(app.parts.publisher.prepare(call), { ...bench.parts, isEager: true })
  }
  function documentOf({ record }: EagerEnding): Record<string, unknown> {
    return JSON.parse(record!.document as string)
  }

  it('gives the record that a worker would have stored', async () => {
    bench.app.task({ name: 'add', bind: true }, (task: TaskContext, x: number, y: number) => [task.isEager, x + y])

    const ending = await run('add', [2, 3], { taskId: 'a1' })

    assert.deepInclude(documentOf(ending), { status: 'SUCCESS', result: [true, 5], task_id: 'a1' })
  })

  it('retries at once, as often as the task may', async () => {
    const seen: number[] = []
    bench.app.task({ name: 'flaky', bind: true, autoretryFor: [Error], maxRetries: 2 }, (task: TaskContext) => {
      seen.push(task.retries)
      throw new Error('flaky')
    })

    const ending = await run('flaky')

    assert.deepEqual(seen, [0, 1, 2])
    assert.equal(documentOf(ending)['status'], 'FAILURE')
  })

  it('runs links and error links too', async () => {
    const told: unknown[] = []
    bench.app.task('ok', () => 'fine')
    bench.app.task('bad', () => {
      throw new Error('bad')
    })
    bench.app.task('note', (what: unknown) => void told.push(what))
    const note = { task: 'note', args: [], kwargs: {}, options: {}, subtask_type: null, immutable: false }
    const signature = bench.app.signature(note)

    await run('ok', [], { link: signature })
    await run('bad', [], { taskId: 'b1', linkError: signature })

    assert.deepEqual(told, ['fine', 'b1'])
  })

  it('holds the time limits of the task', async () => {
    bench.app.task(
      { name: 'hangs', timeLimit: 5, softTimeLimit: '1s', bind: true },
      (task: TaskContext, gentle: boolean) => {
        return new Promise((_, reject) => {
          if (gentle) task.signal.addEventListener('abort', () => reject(task.signal.reason))
        })
      },
    )

    const soft = run('hangs', [true])
    await bench.clock.advance(1_000)
    const hard = run('hangs', [false])
    await bench.clock.advance(5_000)

    assert.deepInclude(documentOf(await soft)['result'] as object, { exc_type: 'SoftTimeLimitExceeded' })
    assert.deepInclude(documentOf(await hard)['result'] as object, { exc_type: 'TimeLimitExceeded', exc_message: [5] })
  })

  it('ends for good what a worker would give back, and stores nothing of what is ignored', async () => {
    bench.app.task('rejects', () => {
      throw new Reject('no', { requeue: true })
    })
    bench.app.task('ignores', () => {
      throw new Ignore()
    })

    assert.deepInclude(documentOf(await run('rejects')), { status: 'FAILURE' })
    assert.isUndefined((await run('ignores')).record)
  })

  it('does not run what has expired, and fails for a task that is not there', async () => {
    bench.app.task('late', () => assert.fail('it ran'))

    const expired = await run('late', [], { expires: new Date(bench.clock.now() - 1) })
    const unknown = await run('unheard')

    assert.deepInclude(documentOf(expired), { status: 'REVOKED' })
    assert.deepInclude(documentOf(unknown)['result'] as object, { exc_type: 'NotRegistered', exc_message: ['unheard'] })
  })
})
