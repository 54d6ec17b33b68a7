import { assert } from 'chai'
import type { TaskContext } from '../../../../lib/task/task-context.ts'
import { AsyncPool } from '../../../../workers/pool/async-pool.ts'
import { TaskBoard } from '../../../../workers/presence/task-board.ts'
import { type AttemptBench, attemptBench } from '../../../support/attempts.ts'

describe('AsyncPool', () => {
  let bench: AttemptBench
  let board: TaskBoard
  let pool: AsyncPool
  beforeEach(async () => {
    bench = await attemptBench()
    board = new TaskBoard()
    pool = new AsyncPool(bench.parts, board)
  })
  afterEach(() => bench.app.close())

  it('runs many at a time and shows what runs', async () => {
    const endings: (() => void)[] = []
    bench.app.task('waits', () => new Promise<void>((resolve) => endings.push(resolve)))
    const first = pool.run(bench.job('waits', [], { taskId: 'w1' }))
    await bench.clock.advance(500)
    const second = pool.run(bench.job('waits', [], { taskId: 'w2' }))

    assert.deepEqual(pool.running(), [
      { id: 'w1', task: 'waits', queue: 'celery', seconds: 0.5 },
      { id: 'w2', task: 'waits', queue: 'celery', seconds: 0 },
    ])
    assert.lengthOf(board.running(), 2)
    for (const end of endings) end()

    assert.deepEqual([(await first).kind, (await second).kind], ['succeeded', 'succeeded'])
    assert.isEmpty(pool.running())
    assert.isEmpty(board.running())
  })

  it('ends a task as it was ended from outside, also when its own function asked for that', async () => {
    bench.app.task('ends_itself', () => {
      pool.terminate('t1')
      return 'not counted'
    })
    bench.app.task('ends_itself_and_waits', async () => {
      pool.terminate('t2')
      await undefined
      return 'not counted'
    })

    const atOnce = await pool.run(bench.job('ends_itself', [], { taskId: 't1' }))
    const later = await pool.run(bench.job('ends_itself_and_waits', [], { taskId: 't2' }))

    assert.deepInclude(atOnce, { kind: 'revoked', reason: 'terminated' })
    assert.deepInclude(later, { kind: 'revoked', reason: 'terminated' })
    await bench.clock.advance(0)
    assert.isEmpty(pool.leftovers())
    assert.isEmpty(board.running())
  })

  it('aborts the signal at the soft limit and settles at the hard one, and remembers what still runs', async () => {
    let aborted: unknown
    let end = (): void => {}
    bench.app.task({ name: 'hangs', bind: true }, ({ signal }: TaskContext) => {
      signal.addEventListener('abort', () => {
        aborted ??= signal.reason.name
      })
      return new Promise<void>((resolve) => {
        end = resolve
      })
    })
    const outcome = pool.run(bench.job('hangs', [], {}, { softTimeLimitMs: 1_000, timeLimitMs: 2_000 }))

    await bench.clock.advance(1_000)
    assert.equal(aborted, 'SoftTimeLimitExceeded')
    assert.lengthOf(pool.running(), 1)
    await bench.clock.advance(1_000)

    assert.deepInclude(await outcome, { kind: 'timed-out', limitMs: 2_000 })
    assert.isEmpty(pool.running())
    assert.lengthOf(pool.leftovers(), 1)
    end()
    await bench.clock.advance(0)
    assert.isEmpty(pool.leftovers())
  })

  it('disarms the limits of a task that ended in time', async () => {
    bench.app.task('quick', () => 1)

    await pool.run(bench.job('quick', [], {}, { softTimeLimitMs: 1_000, timeLimitMs: 2_000 }))

    assert.equal(bench.clock.pending, 0)
  })

  it('ends the tasks of an id as revoked, with the reason in their signal', async () => {
    let reason: unknown
    bench.app.task({ name: 'hangs', bind: true }, ({ signal }: TaskContext) => {
      signal.addEventListener('abort', () => {
        reason = signal.reason.reason
      })
      return new Promise(() => {})
    })
    const outcome = pool.run(bench.job('hangs', [], { taskId: 'h1' }))

    assert.isFalse(pool.terminate('h2'))
    assert.isTrue(pool.terminate('h1'))

    assert.deepInclude(await outcome, { kind: 'revoked', reason: 'terminated' })
    assert.equal(reason, 'terminated')
  })

  it('lets tasks that heed their signal end by themselves at a shutdown, and releases the others after the grace', async () => {
    bench.app.task({ name: 'heeds', bind: true }, async ({ signal }: TaskContext) => {
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      return 'done after all'
    })
    bench.app.task({ name: 'throws', bind: true }, ({ signal }: TaskContext) => {
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    })
    bench.app.task('ignores', () => new Promise(() => {}))
    const outcomes = ['heeds', 'throws', 'ignores'].map((name) => pool.run(bench.job(name)))

    const released = pool.release(1_000)
    await bench.clock.advance(999)
    assert.lengthOf(pool.running(), 1)
    await bench.clock.advance(1)
    await released

    const kinds = (await Promise.all(outcomes)).map(({ kind }) => kind)
    assert.deepEqual(kinds, ['succeeded', 'released', 'released'])
    assert.lengthOf(pool.leftovers(), 1)
  })

  it('lets what was disowned end without any effect, but for what was acknowledged before', async () => {
    const told: string[] = []
    const endings: (() => void)[] = []
    for (const [name, acksLate] of [
      ['late', true],
      ['early', false],
    ] as const)
      bench.app.task(
        { name, acksLate, bind: true, onSuccess: () => void told.push(name) },
        async (task: TaskContext) => {
          await new Promise<void>((resolve) => endings.push(resolve))
          await task.progress(1)
        },
      )
    const outcomes = [pool.run(bench.job('late')), pool.run(bench.job('early'))]

    pool.disown()
    for (const end of endings) end()

    const kinds = (await Promise.all(outcomes)).map(({ kind }) => kind)
    assert.deepEqual(kinds, ['released', 'succeeded'])
    assert.deepEqual(told, ['early'])
    assert.lengthOf(bench.kept, 1)
  })

  it('does not wait for the grace when all have ended', async () => {
    bench.app.task({ name: 'throws', bind: true }, ({ signal }: TaskContext) => {
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    })
    void pool.run(bench.job('throws'))

    await pool.release(60_000)

    assert.equal(bench.clock.pending, 0)
  })
})
