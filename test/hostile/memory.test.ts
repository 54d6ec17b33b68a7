// What hostile messages may cost a worker: its memory is measured in a process of its own (F30, F31, INV-M).
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { assert } from 'chai'
import { silentLogger } from '../../lib/base/logger.ts'
import { openDatabase } from '../../lib/driver/sqlite/sqlite-database.ts'
import { Umbel } from '../../lib/index.ts'
import { Worker } from '../../workers/worker.ts'
import { projectRoot, type StartedProcess, useProcesses } from '../support/processes.ts'
import { skip } from '../support/skip.ts'
import { useTempFolders } from '../support/temp-folder.ts'
import { until } from '../support/until.ts'
import { hostileMessages } from './corpus.ts'

const mebibyte = 1024 * 1024

describe('the memory of a worker', function () {
  this.timeout(60_000)
  const processes = useProcesses()
  const tempFolder = useTempFolders()

  before(function () {
    if (process.platform !== 'linux') skip(this, 'the peak of a process is read from /proc')
  })

  /** A store with these rows in its queue, and a good task behind each. */
  async function filled(rows: readonly (string | Uint8Array)[]) {
    const path = join(tempFolder('memory'), 'store.db')
    const broker = `sqlite://${path}`
    const app = new Umbel('memory', { broker, logger: silentLogger }, { env: {} })
    const neighbours = []
    const database = openDatabase(path, { busyTimeoutMs: 5000 })
    for (const raw of rows) {
      await app.sendTask('hostile.placeholder')
      database.statement('update messages set envelope = ? where id = (select max(id) from messages)').run([raw])
      neighbours.push(await app.sendTask('hostile.neighbour', [neighbours.length]))
    }
    database.close()
    return { app, broker, neighbours }
  }

  /** Starts a worker on them, waits until all is worked, and gives its peak. */
  async function workedBy(store: Awaited<ReturnType<typeof filled>>): Promise<number> {
    const { app, broker, neighbours } = store
    const options = { env: { BROKER: broker }, name: 'the worker' }
    const worker = processes.umbel(['-A', join(projectRoot, 'test/hostile/memory-app.js'), 'worker'], options)
    await Promise.all(neighbours.map((result) => result.get({ timeout: '40s' })))
    await until(async () => ((counts) => counts.waiting + counts.claimed === 0)(await app.queue('celery').counts()), {
      what: 'the queue to be empty',
      withinMs: 40_000,
    })
    const peak = peakOf(worker)
    assert.isTrue(worker.isRunning)
    worker.signal('SIGTERM')
    assert.deepEqual(await worker.ends(), { code: 0, signal: null })
    await app.close()
    return peak
  }

  it('stays within bounds through bombs, deep nesting and a row of 128 MB', async () => {
    const bombs = hostileMessages.filter(({ name }) => /bomb|MB|MessagePack maps|levels|signatures/.test(name))
    const huge = JSON.stringify({ body: 'x'.repeat(128_000_000), headers: {}, properties: {} })
    assert.isAtLeast(bombs.length, 15)
    const quiet = await workedBy(await filled(['{}']))
    const store = await filled([...bombs.map(({ raw }) => raw), huge])

    const peak = await workedBy(store)

    assert.isBelow(peak - quiet, 1024 * mebibyte, `it rose from ${quiet} to ${peak}`)
  })

  for (const [watermark, most] of [
    [1, 1],
    [0, 5],
  ] as const)
    it(`lets ${most} of five tasks run at a time with a watermark of ${watermark}`, async () => {
      const settings = { broker: 'memory://', logger: silentLogger, workerMemoryWatermark: watermark }
      const app = new Umbel('watermark', settings, { env: {} })
      let running = 0
      let highest = 0
      const holds = app.task('hostile.holds', async () => {
        highest = Math.max(highest, ++running)
        await new Promise((resolve) => setTimeout(resolve, 20))
        running--
      })
      const results = await holds.delayMany([[], [], [], [], []])
      const worker = new Worker(app)
      await worker.start()

      await Promise.all(results.map((result) => result.get({ timeout: '10s' })))

      await worker.stop()
      await app.close()
      assert.equal(highest, most)
    })
})

/** The most memory that a process had so far, bytes. */
function peakOf({ pid }: StartedProcess): number {
  const [, kibibytes] = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kibibytes) * 1024
}
