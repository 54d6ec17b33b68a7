import { assert } from 'chai'
import { systemClock } from '../../../../lib/base/clock.ts'
import { WorkerLostError } from '../../../../lib/base/errors.ts'
import { type Logger, silentLogger } from '../../../../lib/base/logger.ts'
import { LeaseKeeper } from '../../../../workers/presence/lease-keeper.ts'
import { TaskBoard } from '../../../../workers/presence/task-board.ts'
import { until } from '../../../support/until.ts'
import { type CountingLeaseData, closings, openings, renewals } from './counting-lease.ts'

describe('LeaseKeeper', () => {
  const counts = (memory: SharedArrayBuffer, word: number): number => Atomics.load(new Int32Array(memory), word)
  let keeper: LeaseKeeper | undefined
  afterEach(async () => {
    await keeper?.stop()
    keeper = undefined
  })

  function keeperOf(answers: CountingLeaseData['answers'], more: { logger?: Logger; bytes?: number } = {}) {
    const memory = new SharedArrayBuffer(more.bytes ?? 16)
    const lost: string[] = []
    keeper = new LeaseKeeper({
      lease: { url: new URL('./counting-lease.ts', import.meta.url).href, data: { memory, answers }, renewEveryMs: 5 },
      board: new TaskBoard(),
      hostname: 'w@test',
      maxBlockedMs: 600_000,
      clock: systemClock,
      logger: more.logger ?? silentLogger,
      onLost: () => lost.push('lost'),
    })
    return { keeper, memory, lost }
  }

  it('renews again and again from another thread, until it is stopped', async () => {
    const { keeper, memory } = keeperOf('held')
    await keeper.start()

    await until(() => counts(memory, renewals) >= 3, { what: 'three renewals' })
    await keeper.stop()

    const renewed = counts(memory, renewals)
    assert.equal(counts(memory, closings), 1)
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(counts(memory, renewals), renewed)
  })

  it('goes on renewing while the main thread is blocked', async () => {
    const { keeper, memory } = keeperOf('held')
    await keeper.start()
    const before = counts(memory, renewals)

    const words = new Int32Array(memory)
    for (const endsAt = performance.now() + 5_000; Atomics.load(words, renewals) < before + 3; )
      if (performance.now() > endsAt) assert.fail('no renewal while the main thread was blocked')

    assert.isAtLeast(counts(memory, renewals), before + 3)
  })

  it('tells that the claims were taken back', async () => {
    const { keeper, lost } = keeperOf('lost')
    await keeper.start()

    await until(() => lost.length > 0, { what: 'the news' })
  })

  it('logs a renewal that failed and tries again', async () => {
    const warnings: object[] = []
    const { keeper, memory } = keeperOf('throws', {
      logger: { ...silentLogger, warn: (fields) => void warnings.push(fields) },
    })
    await keeper.start()

    await until(() => warnings.length >= 2, { what: 'two warnings' })

    assert.deepEqual(warnings[0], { reason: 'the store is busy' })
    assert.isAtLeast(counts(memory, renewals), 2)
  })

  it('starts another thread when one has died', async () => {
    const errors: string[] = []
    const { keeper, memory } = keeperOf('dies once', {
      logger: { ...silentLogger, error: (_fields, message) => void errors.push(message!) },
    })
    await keeper.start()

    await until(() => counts(memory, openings) === 2 && counts(memory, renewals) >= 3, { what: 'a second thread' })

    assert.match(errors[0]!, /Starting another/)
  })

  it('fails to start when the lease cannot be opened', async () => {
    const { keeper } = keeperOf('held', { bytes: 4 })

    const error = await keeper.start().catch((reason: unknown) => reason)

    assert.instanceOf(error, WorkerLostError)
    assert.match(String((error as Error).cause), /cannot open this lease/)
  })
})
