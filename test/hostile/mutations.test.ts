// A hundred thousand changes of valid messages: whatever was changed, each message ends in one place (F28). A failure prints its seed
// and its bytes; UMBEL_TEST_SEED=… tries that seed alone, UMBEL_TEST_FAULTS=long makes it a million.
import { join } from 'node:path'
import { assert } from 'chai'
import { silentLogger } from '../../lib/base/logger.ts'
import type { Broker, Settlement } from '../../lib/broker/broker.ts'
import { decodeEnvelope, encodeEnvelope } from '../../lib/broker/envelope.ts'
import { openDatabase } from '../../lib/driver/sqlite/sqlite-database.ts'
import { Umbel } from '../../lib/index.ts'
import { Worker } from '../../workers/worker.ts'
import { useTempFolders } from '../support/temp-folder.ts'
import { until, within } from '../support/until.ts'
import { Dice, type Envelope, mutated } from './mutate.ts'
import { defineCapturedTasks, validEnvelopes, type WorkRig, workRig } from './work-rig.ts'

const isLong = process.env['UMBEL_TEST_FAULTS'] === 'long'
const seed = process.env['UMBEL_TEST_SEED']
const cases = {
  pipeline: isLong ? 1_000_000 : 100_000,
  memory: isLong ? 50_000 : 5_000,
  store: isLong ? 20_000 : 2_000,
}

describe('a valid message that was changed', function () {
  this.timeout(isLong ? 1_800_000 : 60_000)
  const tempFolder = useTempFolders()
  const strays: unknown[] = []
  const onStray = (error: unknown): void => void strays.push(error)
  let valid: string[]
  before(async () => {
    valid = await validEnvelopes()
    process.on('unhandledRejection', onStray)
  })
  after(() => void process.off('unhandledRejection', onStray))
  afterEach(() => {
    assert.isEmpty(strays.splice(0))
    assert.isUndefined(({} as { polluted?: unknown }).polluted)
  })

  function change(number: number): Envelope {
    const dice = new Dice(number)
    return mutated(dice.pick(valid), dice)
  }

  it('begins as one of many that are worked', () => {
    assert.isAtLeast(valid.length, 200)
  })

  it('is changed by its seed alone', () => {
    for (const number of [0, 1, 77, 4_000_000_000]) assert.deepEqual(change(number), change(number))
    assert.isAbove(new Set(Array.from({ length: 1000 }, (_, number) => String(change(number)))).size, 950)
  })

  it(`ends in one place, ${cases.pipeline} times over`, async () => {
    const rig = await workRig()
    const counts = new Map<string, number>()
    const first = seed === undefined ? 0 : Number(seed)
    const end = seed === undefined ? cases.pipeline : first + 1
    for (let number = first; number < end; number++) {
      const { ending } = await fateOf(rig, change(number), number)
      counts.set(ending, (counts.get(ending) ?? 0) + 1)
    }
    await rig.bench.app.close()
    if (seed !== undefined) return

    // Mutations that all end at the parser would show nothing.
    for (const ending of [
      'done',
      'parked',
      'returned',
      'undecodable',
      'malformed',
      'content-refused',
      'unsupported',
      'too-large',
    ])
      assert.isAtLeast(counts.get(ending) ?? 0, cases.pipeline / 1000, `${ending} of ${JSON.stringify([...counts])}`)
    assert.isAtLeast(counts.get('done') ?? 0, cases.pipeline / 12, 'those that still run')
  })

  it(`ends in one place in a worker in memory, ${cases.memory} times over`, async () => {
    const app = new Umbel('changed', { broker: 'memory://', logger: silentLogger, unknownTaskLimit: '0s' }, { env: {} })
    const publish = async (envelope: Envelope): Promise<boolean> => {
      const outgoing = sendable(envelope)
      if (outgoing !== undefined) await (await app.broker()).publish([outgoing])
      return outgoing !== undefined
    }
    await assertAccounted(app, cases.memory, async (number) => publish(change(number)))
  })

  it(`ends in one place in a worker on the embedded store, ${cases.store} times over`, async () => {
    const path = join(tempFolder('changed'), 'store.db')
    const settings = { broker: `sqlite://${path}`, logger: silentLogger, unknownTaskLimit: '0s' } as const
    const app = new Umbel('changed', settings, { env: {} })
    await Promise.all(Array.from({ length: cases.store }, () => app.sendTask('hostile.placeholder')))
    const database = openDatabase(path, { busyTimeoutMs: 5000 })
    database.exec('begin')
    const ids = database.statement('select id from messages').all([])
    for (const [number, [id]] of ids.entries())
      database.statement('update messages set envelope = ? where id = ?').run([change(number), id!])
    database.exec('commit')
    database.close()
    await assertAccounted(app, ids.length, async () => true)
  })
})

/** What became of it; what should not have happened is told with what is needed to try it again. */
async function fateOf(rig: WorkRig, envelope: Envelope, number: number): ReturnType<WorkRig['fateOf']> {
  try {
    return await within(10_000, 'a message to end', rig.fateOf(envelope))
  } catch (error) {
    const bytes = Buffer.from(envelope as string).toString('base64')
    throw new Error(
      `${(error as Error).message}\nUMBEL_TEST_SEED=${number}, the message in base64: ${bytes.slice(0, 20_000)}`,
      {
        cause: error,
      },
    )
  }
}

/** A message that can be published; undefined for what is none any more, or is refused at its sender. */
function sendable(envelope: Envelope): ReturnType<typeof decodeEnvelope> | undefined {
  try {
    const read = decodeEnvelope(Buffer.from(envelope as string).toString('utf8'), 'celery')
    const route = { exchange: '', routingKey: 'celery' }
    encodeEnvelope(read.message, route, 'celery')
    return { message: read.message, route }
  } catch {
    return undefined
  }
}

/** Works what was put in, and finds each message in one place afterwards; neighbours run, the worker lives. */
async function assertAccounted(app: Umbel, count: number, put: (number: number) => Promise<boolean>): Promise<void> {
  defineCapturedTasks(app)
  const neighbour = app.task('hostile.neighbour', (n: number) => n)
  const broker = await app.broker()
  const done = { gone: 0, followed: 0 }
  countEndings(broker, done)
  let sent = 0
  for (let number = 0; number < count; number++) if (await put(number)) sent++
  assert.isAtLeast(sent, count / 4)
  const neighbours = await neighbour.delayMany(Array.from({ length: 100 }, (_, n) => [n] as [number]))
  const worker = new Worker(app, { concurrency: 20, queues: ['celery'] })
  await worker.start()
  await until(async () => ((counts) => counts.waiting + counts.claimed === 0)(await app.queue('celery').counts()), {
    what: 'every message to be worked',
    withinMs: isLong ? 600_000 : 40_000,
  })
  const values = await Promise.all(neighbours.map((result) => result.get({ timeout: '10s' })))
  const left = (await broker.admin.queues()).map(
    ({ waiting, scheduled, claimed, dead }) => waiting + scheduled + claimed + dead,
  )
  await worker.stop()
  await app.close()

  assert.deepEqual(
    values,
    values.map((_, n) => n),
  )
  assert.equal(done.gone + left.reduce((sum, one) => sum + one, 0), sent + neighbours.length + done.followed)
}

/** Watches what leaves its queue for good, and what is sent because of it. */
function countEndings(broker: Broker, done: { gone: number; followed: number }): void {
  // From the class: a handle of a shared broker keeps the methods that were looked at.
  const { settle } = Object.getPrototypeOf(broker) as Broker
  broker.settle = async function (this: Broker, batch: readonly Settlement[]) {
    const replies = await settle.call(this, batch)
    batch.forEach(({ disposition, publish }, index) => {
      if (replies[index] !== 'settled') return
      if (disposition === 'done') done.gone++
      done.followed += publish?.length ?? 0
    })
    return replies
  }
}
