import { assert } from 'chai'
import type { Delivery, Settlement } from '../../../../lib/broker/broker.ts'
import type { AppEventName, AppEvents } from '../../../../lib/hook/hooks.ts'
import type { Job } from '../../../../lib/run/job.ts'
import type { CallInput } from '../../../../lib/task/make-call.ts'
import type { TaskContext } from '../../../../lib/task/task-context.ts'
import { Reject } from '../../../../lib/task/task-signals.ts'
import { AsyncPool } from '../../../../workers/pool/async-pool.ts'
import { TaskBoard } from '../../../../workers/presence/task-board.ts'
import { Settler } from '../../../../workers/request/settle.ts'
import { work } from '../../../../workers/request/work.ts'
import type { WorkParts } from '../../../../workers/request/work-parts.ts'
import { type AttemptBench, attemptBench } from '../../../support/attempts.ts'
import { StubBroker } from '../../../support/stub-broker.ts'

describe('work', () => {
  let bench: AttemptBench
  let broker: StubBroker
  let pool: AsyncPool
  let parts: WorkParts
  beforeEach(async () => {
    bench = await attemptBench()
    broker = new StubBroker()
    const { app, clock, parts: attempts } = bench
    pool = new AsyncPool(attempts, new TaskBoard())
    parts = {
      tasks: app.tasks,
      defaults: app.callDefaults,
      policy: attempts.policy,
      limits: { maxDeliveries: 10, unknownTaskLimitMs: 3_600_000 },
      hostname: 'w1@test',
      clock,
      logger: app.logger,
      events: app.events,
      isRevoked: (id) => id === 'revoked',
      pool,
      settler: new Settler({ broker, backend: broker.backend(), clock, logger: app.logger }),
      records: attempts.records,
      keepsResults: true,
      extendsResults: false,
      onRan: () => {},
    }
  })
  afterEach(() => bench.app.close())

  function delivery(job: Job, more: Partial<Delivery> = {}): Delivery {
    const { message, queue, route } = job
    return {
      claim: { key: job.headers.id, token: 1, queue },
      message,
      queue,
      route,
      redelivered: false,
      losses: 0,
      returns: 0,
      ...more,
    }
  }
  /** Works one call and gives what was settled of it. */
  async function worked(task: string, options: CallInput = {}, more: Partial<Delivery> = {}, with_ = parts) {
    await work(delivery(bench.job(task, [], { taskId: 'id-1', ...options }), more), with_)
    await parts.settler.drain()
    return broker.settled.flat()
  }
  function documentOf({ record }: Settlement): Record<string, unknown> {
    return JSON.parse(record!.document as string)
  }
  function heard<E extends AppEventName>(name: E): AppEvents[E][] {
    const events: AppEvents[E][] = []
    bench.app.on(name, (event) => void events.push(event))
    return events
  }

  it('settles a result, its follow-ups and the acknowledgement as one', async () => {
    bench.app.task('ok', () => 5)
    const received = heard('taskReceived')

    const [settlement, ...others] = await worked('ok')

    assert.isEmpty(others)
    assert.deepInclude(settlement, { claim: { key: 'id-1', token: 1, queue: 'celery' }, disposition: 'done' })
    assert.deepInclude(documentOf(settlement!), { status: 'SUCCESS', result: 5, task_id: 'id-1' })
    assert.deepInclude(received[0], { task: 'ok', id: 'id-1', hostname: 'w1@test' })
    assert.match(bench.lines.at(-1)!.message, /^Task ok\[id-1\] succeeded in 0 s$/)
  })

  it('stores name, arguments, worker, retries and queue with resultExtended', async () => {
    bench.app.task('ok', () => 5)

    const [settlement] = await worked('ok', {}, {}, { ...parts, extendsResults: true })

    assert.deepInclude(documentOf(settlement!), {
      name: 'ok',
      args: [],
      kwargs: {},
      worker: 'w1@test',
      retries: 0,
      queue: 'celery',
    })
  })

  it('stores nothing with ignoreResult, but failures where they are wanted', async () => {
    bench.app.task('ok', () => 5)
    bench.app.task({ name: 'bad', storeErrorsEvenIfIgnored: true }, () => {
      throw new Error('bad')
    })

    const [ok] = await worked('ok', { ignoreResult: true })
    const [, bad] = await worked('bad', { ignoreResult: true })

    assert.isUndefined(ok!.record)
    assert.equal(documentOf(bad!)['status'], 'FAILURE')
  })

  it('makes no record where the backend keeps none', async () => {
    bench.app.task('ok', () => 5)

    const [settlement] = await worked('ok', {}, {}, { ...parts, keepsResults: false })

    assert.isUndefined(settlement!.record)
  })

  it('does not run what is revoked or has expired, and records it', async () => {
    bench.app.task('never', () => assert.fail('it ran'))
    const events = heard('taskRevoked')

    const [revoked] = await worked('never', { taskId: 'revoked' })
    const [, expired] = await worked('never', { expires: new Date(bench.clock.now() - 1) })

    for (const settlement of [revoked!, expired!]) {
      assert.equal(settlement.disposition, 'done')
      assert.equal(documentOf(settlement)['status'], 'REVOKED')
    }
    assert.deepEqual(
      events.map(({ reason }) => reason),
      ['revoked', 'expired'],
    )
  })

  it('parks what is not due', async () => {
    bench.app.task('later', () => assert.fail('it ran'))
    const eta = new Date(bench.clock.now() + 60_000)

    const [settlement] = await worked('later', { eta })

    assert.deepInclude(settlement, { disposition: 'park', notBefore: eta.getTime() })
    assert.isUndefined(settlement!.record)
  })

  it('gives an unknown task back, counted, and sets it aside when nobody came to know it', async () => {
    const unknown = heard('taskUnknown')
    const rejected = heard('taskRejected')

    const [back] = await worked('unheard')
    const [, aside] = await worked('unheard', {}, { returns: 130, firstReturnedAt: bench.clock.now() - 3_600_000 })

    assert.deepInclude(back, { disposition: 'give-back', counted: 'return' })
    assert.isUndefined(back!.record)
    assert.lengthOf(unknown, 1)
    assert.deepInclude(aside, { disposition: 'dead-letter', reason: 'unknown-task' })
    assert.deepInclude(documentOf(aside!)['result'] as object, { exc_type: 'NotRegistered', exc_message: ['unheard'] })
    assert.deepInclude(rejected[0], { id: 'id-1', task: 'unheard', reason: 'unknown-task' })
  })

  it('sets aside what cost too many workers', async () => {
    bench.app.task('deadly', () => assert.fail('it ran'))

    const [settlement] = await worked('deadly', {}, { losses: 11, redelivered: true })

    assert.deepInclude(settlement, { disposition: 'dead-letter', reason: 'max-deliveries' })
    assert.deepInclude(documentOf(settlement!)['result'] as object, { exc_type: 'WorkerLostError' })
  })

  it('tells the task which attempt it is', async () => {
    bench.app.task({ name: 'asks', bind: true }, ({ attempt, redelivered }: TaskContext) => [attempt, redelivered])

    const [settlement] = await worked('asks', {}, { losses: 2, redelivered: true })

    assert.deepEqual(documentOf(settlement!)['result'], [3, true])
  })

  describe('with a message that can’t be used', () => {
    const broken = (changes: object) => {
      const job = bench.job('ok', [], { taskId: 'id-1' })
      return delivery({ ...job, message: { ...job.message, ...changes } })
    }

    it('sets it aside with its reason, and tells whoever waits for its id', async () => {
      bench.app.task('ok', () => assert.fail('it ran'))
      const rejected = heard('taskRejected')

      await work(broken({ contentType: 'application/x-python-serialize' }), parts)
      await work(broken({ body: '{nonsense' }), parts)
      await parts.settler.drain()

      const [refused, undecodable] = broker.settled.flat()
      assert.deepInclude(refused, { disposition: 'dead-letter', reason: 'content-refused' })
      assert.equal(documentOf(refused!)['status'], 'FAILURE')
      assert.deepInclude(undecodable, { disposition: 'dead-letter', reason: 'undecodable' })
      assert.deepInclude(documentOf(undecodable!), { status: 'FAILURE', task_id: 'id-1' })
      assert.deepEqual(
        rejected.map(({ id, reason }) => [id, reason]),
        [
          ['id-1', 'content-refused'],
          ['id-1', 'undecodable'],
        ],
      )
    })

    it('stores no record under what is no id', async () => {
      for (const id of [undefined, 7, '', 'x'.repeat(300), 'a\nb', { toString: () => 'id' }])
        await work(broken({ headers: { task: 'ok', id } }), parts)
      await work(broken({ headers: null }), parts)
      await parts.settler.drain()

      const settlements = broker.settled.flat()
      assert.lengthOf(settlements, 7)
      for (const { disposition, record } of settlements)
        assert.deepEqual([disposition, record], ['dead-letter', undefined])
    })
  })

  describe('with acksLate: false', () => {
    it('acknowledges by a round trip before it runs, and stores the result apart', async () => {
      const seen: string[] = []
      bench.app.task({ name: 'once', acksLate: false }, () => void seen.push(...broker.calls))
      const working = work(delivery(bench.job('once')), parts)
      await working
      await parts.settler.drain()

      assert.deepEqual(seen, ['settle 1'])
      assert.deepEqual(broker.calls, ['settle 1', 'keep 1'])
      assert.isUndefined(broker.settled[0]![0]!.record)
    })

    it('does not run what is no longer its own', async () => {
      bench.app.task({ name: 'once', acksLate: false }, () => assert.fail('it ran'))
      broker.reply = () => 'lost'

      const working = work(delivery(bench.job('once')), parts)
      await working

      assert.deepEqual(broker.calls, ['settle 1'])
    })

    it('does not run what was revoked, or expired, while it was acknowledged, and records that', async () => {
      bench.app.task({ name: 'once', acksLate: false }, () => assert.fail('it ran'))
      const revoked = new Set<string>()
      broker.reply = () => {
        revoked.add('id-1')
        return 'settled'
      }
      await worked('once', {}, {}, { ...parts, isRevoked: (id) => revoked.has(id) })
      broker.reply = () => {
        bench.clock.jump(2_000)
        return 'settled'
      }
      await worked('once', { expires: 1, taskId: 'id-2' })

      const records = broker.kept.flat().map(({ id, document }) => [id, JSON.parse(document as string)])
      assert.deepEqual(
        records.map(([id, { status, result }]) => [id, status, result.exc_message]),
        [
          ['id-1', 'REVOKED', ['revoked']],
          ['id-2', 'REVOKED', ['expired']],
        ],
      )
    })

    it('does not run again after a lost worker, and says so', async () => {
      bench.app.task({ name: 'once', acksLate: false }, () => assert.fail('it ran'))

      const [settlement] = await worked('once', {}, { losses: 1, redelivered: true })

      assert.equal(settlement!.disposition, 'done')
      assert.deepInclude(documentOf(settlement!)['result'] as object, { exc_type: 'WorkerLostError' })
    })

    it('records as lost what a shutdown ends, and as failed what asks to be given back', async () => {
      bench.app.task({ name: 'hangs', acksLate: false }, () => new Promise(() => {}))
      bench.app.task({ name: 'asks', acksLate: false }, () => {
        throw new Reject('busy', { requeue: true })
      })
      const working = [work(delivery(bench.job('hangs')), parts), work(delivery(bench.job('asks')), parts)]
      await working[1]
      await pool.stop()
      await Promise.all(working)
      await parts.settler.drain()

      const errors = broker.kept.flat().map(({ document }) => JSON.parse(document as string).result.exc_type)
      assert.deepEqual(errors.sort(), ['Reject', 'WorkerLostError'])
    })
  })
})
