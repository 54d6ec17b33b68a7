// Thousands of processes killed while they write to one store, then every row looked at; and files whose tail is cut off or overwritten: F52.
import { existsSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { assert } from 'chai'
import { systemClock } from '../../../lib/base/clock.ts'
import { SqliteBroker } from '../../../lib/broker/sqlite/sqlite-broker.ts'
import { openDatabase } from '../../../lib/driver/sqlite/sqlite-database.ts'
import { consume, idOf, messageTo } from '../../../lib/testing/exams/broker-under-exam.ts'
import { isLong } from '../../support/fault-rig.ts'
import { itSurvives } from '../../support/it-survives.ts'
import { killForReal, seededRandom, seedOfRun } from '../../support/killer.ts'
import { projectRoot, useProcesses } from '../../support/processes.ts'
import { skip } from '../../support/skip.ts'
import { useTempFolders } from '../../support/temp-folder.ts'
import { until } from '../../support/until.ts'
import { surveyRows } from './survey-rows.ts'
import { readLog } from './workload/log.ts'

const kills = isLong ? 2_000 : 90
/** The store is looked at after each. */
const batches = isLong ? 10 : 2
const lanes = 3
const damages = isLong ? 400 : 40

describe('an embedded store whose processes are killed while they write', function () {
  this.timeout(isLong ? 3_600_000 : 120_000)
  const processes = useProcesses()
  const tempFolder = useTempFolders()

  itSurvives(
    `F52: ${kills} SIGKILLs of processes that write`,
    'has every row whole and every accepted message',
    async function (line) {
      if (process.platform !== 'linux') skip(this, 'the state of a process is read from /proc')
      const folder = tempFolder('store')
      const path = join(folder, 'umbel.db')
      const seed = seedOfRun()
      const random = seededRandom(seed)
      console.log(`    UMBEL_TEST_SEED=${seed}`)
      const logs: string[] = []
      let recoveryMs = 0

      const killOne = async (): Promise<void> => {
        const log = join(folder, `log-${logs.length}`)
        logs.push(log)
        const script = join(projectRoot, 'test/crash/store/workload/churn.js')
        const startedAt = performance.now()
        const one = processes.node(script, [path, log, `p${logs.length}`])
        // Some before they have opened the store, most in the middle of their work.
        if (random() < 0.9) {
          await until(() => !one.isRunning || (existsSync(log) && statSync(log).size > 0), {
            what: 'a process to write',
            withinMs: 20_000,
          })
          recoveryMs = Math.max(recoveryMs, performance.now() - startedAt)
          await new Promise((resolve) => setTimeout(resolve, random() * 60))
        } else await new Promise((resolve) => setTimeout(resolve, random() * 250))
        assert.isTrue(one.isRunning, one.output)
        await killForReal(one)
      }
      for (let batch = 1; batch <= batches; batch++) {
        const lane = async (): Promise<void> => {
          while (logs.length < (kills * batch) / batches) await killOne()
        }
        await Promise.all(Array.from({ length: lanes }, lane))
        assertAccounted(path, logs)
      }

      const claimed = surveyRows(path).rows['claims']!
      const total = await drain(path)
      const { rows, faults, records, dead } = surveyRows(path)
      const accepted = logs.flatMap((log) => readLog(log, 'accepted'))
      const found = new Set([...records, ...dead, ...total])
      line.count({ accepted: accepted.length, lost: accepted.filter((id) => !found.has(id)).length, repeated: claimed })
      line.recovered(recoveryMs)
      line.figures.push(
        `seed ${seed}`,
        `${Object.values(rows)
          .reduce((sum, count) => sum + count, 0)
          .toLocaleString('en')} rows read at the end`,
      )
      assert.deepEqual(faults, [])
      assert.deepEqual(
        accepted.filter((id) => !found.has(id)),
        [],
      )
      assert.deepEqual(
        [rows['claims'], rows['owners'], rows['ready'], rows['parked']],
        [0, 0, 0, 0],
        'nobody is left, and nothing',
      )
      assert.isAbove(accepted.length, kills * 8, 'they have hardly written anything')
    },
  )

  itSurvives(
    `F52: ${damages} stores with a damaged tail`,
    'that was damaged at its end is refused by name or read as it was, never half',
    async (line) => {
      const folder = tempFolder('damage')
      const path = join(folder, 'umbel.db')
      const waves = 60
      const broker = new SqliteBroker({ path, clock: systemClock })
      await broker.start()
      const outcomes = { refused: 0, whole: 0, shorter: 0 }
      const seed = seedOfRun()
      const random = seededRandom(seed)
      for (let wave = 0; wave < waves; wave++)
        await broker.publish(Array.from({ length: 10 }, (_, index) => messageTo('q', `w${wave}-${index}`)))
      // As the end of the process leaves it: a part in the file, the rest in its log. Then all of it in the file.
      const log = [readFileSync(path), readFileSync(`${path}-wal`)]
      await broker.stop()
      checkpoint(path)
      const images = { log, file: [readFileSync(path)] }
      line.count({ accepted: waves * 10 })

      for (let damage = 0; damage < damages; damage++) {
        const where = damage % 2 === 0 ? 'log' : 'file'
        const copy = join(folder, `copy-${damage}.db`)
        for (const [index, image] of images[where].entries())
          writeFileSync(`${copy}${index === 0 ? '' : '-wal'}`, image)
        spoil(where === 'log' ? `${copy}-wal` : copy, random)
        const { error, ids } = await readAll(copy)
        if (error !== undefined) {
          outcomes.refused++
          assert.propertyVal(error, 'code', 'UMBEL_STORE_UNUSABLE', `${where}, damage ${damage}, seed ${seed}`)
          continue
        }
        // Whole waves from the first on: a transaction is there, or it is not.
        assert.deepEqual(ids, allOf(ids.length / 10), `${where}, damage ${damage}, seed ${seed}`)
        assert.deepEqual(surveyRows(copy).faults, [])
        if (ids.length === waves * 10) outcomes.whole++
        else outcomes.shorter++
        if (where === 'file') assert.lengthOf(ids, waves * 10, `damage ${damage} went unnoticed, seed ${seed}`)
      }
      line.figures.push(
        `${outcomes.refused} refused by name, ${outcomes.whole} unharmed, ${outcomes.shorter} whole transactions of the log's end missing`,
      )
      assert.isAbove(outcomes.refused, 0)
      assert.isAbove(outcomes.shorter, 0)
    },
  )
})

/** Every accepted message is waiting, or has its record and its follow-up, or is a dead letter. */
function assertAccounted(path: string, logs: readonly string[]): void {
  const { messages, records, dead, faults } = surveyRows(path)
  assert.deepEqual(faults, [])
  assert.deepEqual(
    logs.flatMap((log) => readLog(log, 'error')),
    [],
  )
  const here = new Set(messages)
  const done = new Set(records.filter((id) => !id.startsWith('state-of-')))
  const aside = new Set(dead)
  const tried = new Set(logs.flatMap((log) => readLog(log, 'tried')))
  for (const id of logs.flatMap((log) => readLog(log, 'accepted'))) {
    const places = [here, done, aside].filter((place) => place.has(id)).length
    if (places !== 1) assert.fail(`${id} was accepted and is in ${places} places`)
    if (done.has(id) && !here.has(`after-${id}`)) assert.fail(`${id} is done and its follow-up is missing`)
  }
  for (const id of [...here, ...done, ...aside])
    assert.isTrue(tried.has(id.replace('after-', '')), `${id} was never tried`)
}

/** Takes everything that is left, as a new process does. @returns its ids */
async function drain(path: string): Promise<string[]> {
  const broker = new SqliteBroker({ path, clock: systemClock })
  await broker.start()
  const { inbox } = await consume(broker, { queues: ['q', 'next'], prefetch: 10_000 })
  let settled = 0
  await until(
    async () => {
      const batch = inbox.all.slice(settled)
      settled += batch.length
      await broker.settle(batch.map(({ claim }) => ({ claim, disposition: 'done' as const })))
      const counts = await broker.admin.queues()
      return counts.every(({ waiting, scheduled, claimed }) => waiting + scheduled + claimed === 0)
    },
    { what: 'the store to be empty', withinMs: 180_000 },
  )
  await broker.stop()
  return inbox.all.map(idOf)
}

/** Cuts a file off somewhere in its second half, or overwrites it from there on. */
function spoil(file: string, random: () => number): void {
  const { size } = statSync(file)
  const from = Math.floor(size / 2 + random() * (size / 2 - 1))
  const kind = Math.floor(random() * 3)
  if (kind === 0) {
    truncateSync(file, from)
    return
  }
  const bytes = readFileSync(file)
  if (kind === 1) bytes.fill(0, from)
  else for (let index = from; index < size; index++) bytes[index] = Math.floor(random() * 256)
  writeFileSync(file, bytes)
}

async function readAll(path: string): Promise<{ error?: unknown; ids: string[] }> {
  const broker = new SqliteBroker({ path, clock: systemClock })
  const ids: string[] = []
  try {
    await broker.start()
    const { waiting } = await broker.admin.counts('q')
    const { inbox } = await consume(broker, { prefetch: 10_000 })
    // A message that can't be read any more is set aside by name.
    const aside = async (): Promise<number> => (await broker.admin.counts('q')).dead
    await until(async () => inbox.errors.length > 0 || inbox.all.length + (await aside()) === waiting, {
      what: `${waiting} messages`,
    })
    if (inbox.errors[0] !== undefined) return { error: inbox.errors[0], ids }
    for (const delivery of inbox.all) {
      const id = idOf(delivery)
      assert.deepEqual(delivery.message, messageTo('q', id).message, 'a message was half read')
      ids.push(id)
    }
    const [dead] = await broker.admin.deadLetters({ limit: 1 })
    if (dead !== undefined) {
      assert.equal(dead.reason, 'undecodable')
      return { error: { code: 'UMBEL_STORE_UNUSABLE' }, ids }
    }
    return { ids }
  } catch (error) {
    return { error, ids }
  } finally {
    await broker.stop().catch(() => {}) // a damaged file can't be left tidily
  }
}

function allOf(waves: number): string[] {
  return Array.from({ length: waves * 10 }, (_, index) => `w${Math.floor(index / 10)}-${index % 10}`)
}

/** Puts everything into the file itself and empties its log. */
function checkpoint(path: string): void {
  const database = openDatabase(path, { busyTimeoutMs: 1_000 })
  database.statement('pragma wal_checkpoint(truncate)').all([])
  database.close()
}
