// A disk that is full for a while, under a worker and callers: F16 of the fault matrix.
import { assert } from 'chai'
import { assertPassed, FaultRig, heldByWorker, isLong } from '../support/fault-rig.ts'
import { itSurvives } from '../support/it-survives.ts'
import { canMountDisks, shareDisk } from '../support/limits.ts'
import { useProcesses } from '../support/processes.ts'
import { skip } from '../support/skip.ts'
import { useTempFolders } from '../support/temp-folder.ts'
import { until } from '../support/until.ts'

const fullForMs = isLong ? 30_000 : 1_500
/** A call must settle by then, whatever happens; `taskPublishTimeout`. */
const publishDeadlineMs = 10_000

describe('a full disk', function () {
  this.timeout(isLong ? 300_000 : 60_000)
  const processes = useProcesses()
  const tempFolder = useTempFolders()

  itSurvives(
    `F16: no space for ${fullForMs / 1_000} s under load`,
    'refuses calls by name, and a worker pauses and goes on by itself; nothing is lost',
    async function (line) {
      if (!canMountDisks()) skip(this, 'mounting a disk needs Linux with user namespaces, or root')
      const disk = await shareDisk(processes, { folder: tempFolder('disk'), bytes: 24_000_000 })
      const rig = new FaultRig(tempFolder('crash'), processes, { storeFolder: disk.folder, wrap: disk.wrap })
      const worker = await rig.startWorker()
      const producer = rig.produce({
        prefix: 'a',
        count: isLong ? 30_000 : 2_000,
        window: 20,
        ms: 8,
        wait: 40,
        everyMs: 20,
      })
      const ends = (): number => rig.history('worker').filter(({ e }) => e === 'run.end').length
      await until(() => ends() > 100, { what: 'the worker to be at work' })

      rig.note('broker')
      disk.fill()
      await worker.prints(/cannot be (stored|claimed) just now/)
      await until(() => rig.history('producer').some(({ e }) => e === 'pub.fail'), { what: 'a call to be refused' })
      await new Promise((resolve) => setTimeout(resolve, fullForMs))
      assert.isTrue(worker.isRunning)
      disk.free()
      rig.noteOver('broker')
      await producer.succeeds({ withinMs: 200_000 })
      const report = await rig.judge({
        mode: 'at-least-once',
        inFlight: heldByWorker,
        recoveryMs: 15_000,
        resumeMs: 10_000,
        faults: 'expected',
        bad: new Set(),
      })

      line.add(report)
      const history = rig.history('producer')
      const calledAt = new Map(history.flatMap((event) => (event.e === 'pub.call' ? [[event.id, event.t]] : [])))
      const refused = history.flatMap((event) => (event.e === 'pub.fail' ? [event] : []))
      const slowestMs = Math.max(...refused.map(({ id, t }) => (t - calledAt.get(id)!) / 1_000))
      line.figures.push(`${refused.length} refused, each within ${Math.round(slowestMs)} ms`)
      assert.isAbove(refused.length, 0)
      for (const { v } of refused) assert.match(v ?? '', /^StoreFull: .*the disk is full/)
      assert.isBelow(slowestMs, publishDeadlineMs)
      assertPassed(report)
      assert.equal(report.counts.repeats, 0)
      assert.isTrue(worker.isRunning)
      assert.notMatch(worker.output, /cannot be stored; its message is set aside|could not be stored\. Their/)
      rig.close()
    },
  )
})
