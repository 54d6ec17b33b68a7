// Every message of the corpus, between good neighbours, through a real worker: F28, F30 to F34 and F36 of the fault matrix.
import { join } from 'node:path'
import { assert } from 'chai'
import { DecodeError, Unserializable } from '../../lib/base/errors.ts'
import { silentLogger } from '../../lib/base/logger.ts'
import { type DeadLetter, deadLetterReasons } from '../../lib/broker/broker.ts'
import { decodeEnvelope, encodeEnvelope } from '../../lib/broker/envelope.ts'
import { openDatabase } from '../../lib/driver/sqlite/sqlite-database.ts'
import { type AsyncResult, Umbel } from '../../lib/index.ts'
import { Worker } from '../../workers/worker.ts'
import { useTempFolders } from '../support/temp-folder.ts'
import { until } from '../support/until.ts'
import { type HostileMessage, hostileMessages } from './corpus.ts'
import { defineCapturedTasks } from './work-rig.ts'

/** How a corpus message gets into its broker; false where that broker could not hold it. */
type Insert = (app: Umbel, hostile: HostileMessage) => Promise<boolean>

describe('hostile messages', () => {
  const tempFolder = useTempFolders({ keepFor: 'suite' })

  it('are at least sixty, each with a name of its own', () => {
    assert.isAtLeast(hostileMessages.length, 60)
    assert.lengthOf(new Set(hostileMessages.map(({ name }) => name)), hostileMessages.length)
    for (const reason of deadLetterReasons)
      if (reason !== 'rejected' && reason !== 'max-deliveries')
        assert.isTrue(
          hostileMessages.some(({ ends }) => ends === reason),
          reason,
        )
  })

  describe('in memory', () => worked('memory://', asMessage))
  describe('in the embedded store', () => worked(() => `sqlite://${join(tempFolder('hostile'), 'store.db')}`, asRow))
})

function worked(broker: string | (() => string), insert: Insert): void {
  const strays: unknown[] = []
  const onStray = (error: unknown): void => void strays.push(error)
  const inserted = new Set<HostileMessage>()
  const neighbours: AsyncResult<unknown>[] = []
  let app: Umbel
  let worker: Worker
  let dead: DeadLetter[]

  before(async function () {
    this.timeout(60_000)
    process.on('unhandledRejection', onStray)
    const url = typeof broker === 'string' ? broker : broker()
    app = new Umbel('hostile', { broker: url, logger: silentLogger, unknownTaskLimit: '0s' }, { env: {} })
    defineCapturedTasks(app)
    app.task({ name: 'hostile.takesOne', params: ['one?'] }, (one?: unknown) => one ?? null)
    const neighbour = app.task('hostile.neighbour', (n: number) => n)
    for (const hostile of hostileMessages) {
      if (await insert(app, hostile)) inserted.add(hostile)
      neighbours.push(await neighbour.delay(neighbours.length))
    }
    worker = new Worker(app, { concurrency: 10 })
    await worker.start()
    const { admin } = await app.broker()
    await until(
      async () => {
        const { waiting, claimed } = await admin.counts('celery')
        return waiting + claimed === 0
      },
      { what: 'every message to be worked', withinMs: 50_000 },
    )
    dead = await admin.deadLetters()
  })

  after(async () => {
    await worker.stop()
    await app.close()
    process.off('unhandledRejection', onStray)
  })

  it('let every neighbour run', async () => {
    const values = await Promise.all(neighbours.map((result) => result.get({ timeout: '10s' })))

    assert.deepEqual(
      values,
      values.map((_, index) => index),
    )
  })

  it('leave the worker as it was', async () => {
    assert.isEmpty(strays)
    assert.isUndefined(({} as { polluted?: unknown }).polluted)
    assert.isEmpty(worker.running())
    assert.equal(await (await app.sendTask('hostile.neighbour', ['still here'])).get({ timeout: '10s' }), 'still here')
  })

  it('end in one place each', () => {
    const wanted = [...inserted].filter(({ ends }) => isReason(ends))

    assert.lengthOf(dead, wanted.length)
  })

  for (const hostile of hostileMessages)
    it(`${hostile.name}: ${hostile.ends}`, async () => {
      if (!inserted.has(hostile)) return assert.isTrue(isNoMessage(hostile) || !canBeSent(hostile)) // nothing that this broker could hold
      const held = bytesOf(hostile, app)
      const letters = dead.filter(({ raw }) => raw.length === held.length && Buffer.compare(raw, held) === 0)
      if (isReason(hostile.ends)) {
        assert.lengthOf(letters, 1, `${await app.result(hostile.id).state()}`)
        assert.equal(letters[0]!.reason, hostile.ends, letters[0]!.detail)
        assert.isNotEmpty(letters[0]!.detail)
        assert.isBelow(letters[0]!.detail.length, 1000)
      } else {
        assert.isEmpty(letters, letters[0]?.detail)
        assert.equal(await app.result(hostile.id).state(), hostile.ends)
      }
    })
}

function isReason(ends: HostileMessage['ends']): boolean {
  return (deadLetterReasons as readonly string[]).includes(ends)
}

/** As a sender of our own would publish it. */
async function asMessage(app: Umbel, hostile: HostileMessage): Promise<boolean> {
  if (isNoMessage(hostile)) return false
  if (!canBeSent(hostile)) return false
  const { message, route } = decodeEnvelope(textOf(hostile), 'celery')
  await (await app.broker()).publish([{ message, route }])
  return true
}

/** As its row in the file: a message is published, and then exchanged for it. */
async function asRow(app: Umbel, { raw }: HostileMessage): Promise<boolean> {
  await app.sendTask('hostile.placeholder')
  const database = openDatabase(app.settings.brokerUrl.slice('sqlite://'.length), { busyTimeoutMs: 5000 })
  database.statement('update messages set envelope = ? where id = (select max(id) from messages)').run([raw])
  database.close()
  return true
}

function isNoMessage(hostile: HostileMessage): boolean {
  try {
    decodeEnvelope(textOf(hostile), 'celery')
    return false
  } catch (error) {
    assert.instanceOf(error, DecodeError)
    return true
  }
}

/** False for headers that a sender of ours refuses: too deep, or with numbers that JSON lacks. */
function canBeSent(hostile: HostileMessage): boolean {
  const { message, route } = decodeEnvelope(textOf(hostile), 'celery')
  try {
    encodeEnvelope(message, route, 'celery')
    return true
  } catch (error) {
    assert.instanceOf(error, Unserializable)
    return false
  }
}

function textOf({ raw }: HostileMessage): string {
  return typeof raw === 'string' ? raw : Buffer.from(raw).toString('latin1')
}

/** What the store holds of it, exactly. */
function bytesOf(hostile: HostileMessage, app: Umbel): Uint8Array {
  if (!app.settings.brokerUrl.startsWith('memory:')) return Buffer.from(hostile.raw)
  const { message, route } = decodeEnvelope(textOf(hostile), 'celery')
  return Buffer.from(encodeEnvelope(message, route, 'celery'))
}
