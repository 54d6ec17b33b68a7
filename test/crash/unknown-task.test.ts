// Calls of a task that no worker has yet: F35 of the fault matrix.
import { assert } from 'chai'
import { assertPassed, FaultRig, heldByWorker, isLong } from '../support/fault-rig.ts'
import { itSurvives } from '../support/it-survives.ts'
import { useProcesses } from '../support/processes.ts'
import { useTempFolders } from '../support/temp-folder.ts'
import { until } from '../support/until.ts'

const deployAfterMs = isLong ? 20_000 : 1_500
const calls = 1_000
const bounds = { mode: 'at-least-once', inFlight: heldByWorker, recoveryMs: 15_000, faults: 'none' } as const

describe('a task that no worker knows yet', function () {
  this.timeout(isLong ? 300_000 : 60_000)
  const processes = useProcesses()
  const tempFolder = useTempFolders()

  itSurvives(
    `F35: ${calls} calls of a task that is deployed ${deployAfterMs / 1_000} s later`,
    'is run by all of its calls after the deployment, and hinders no other meanwhile',
    async (line) => {
      const rig = new FaultRig(tempFolder('crash'), processes)
      const old = await rig.startWorker({ env: { UMBEL_TEST_NOT_DEPLOYED: 'yes' } })
      await rig.produce({ prefix: 'new', count: calls, window: 250 }).succeeds()
      await rig.produce({ prefix: 'known', count: 50, task: 'early' }).succeeds()
      const ends = (): number => rig.history('worker').filter(({ e }) => e === 'run.end').length
      await until(() => ends() === 50, { what: 'the calls of the known task' })
      await new Promise((resolve) => setTimeout(resolve, deployAfterMs))
      assert.equal(ends(), 50)

      // A rolling deployment: for a while both versions are there.
      const deployedAt = performance.now()
      await rig.startWorker()
      await until(() => ends() > 50, { what: 'the first of the new calls', withinMs: 40_000 })
      line.recovered(performance.now() - deployedAt)
      await old.kill('SIGTERM')
      const report = await rig.judge(bounds)

      line.add(report)
      line.figures.push(`all ran ${Math.round((performance.now() - deployedAt) / 100) / 10} s after the deployment`)
      assertPassed(report)
      assert.equal(report.counts.completed, calls + 50)
      assert.equal(report.counts.repeats, 0)
      assert.lengthOf(old.stderr.match(/"level":40.*is not registered here/g) ?? [], calls, 'one warning for a message')
      rig.close()
    },
  )

  itSurvives(
    'F35: beyond unknownTaskLimit',
    'becomes a dead letter for each call when its time is over',
    async (line) => {
      const rig = new FaultRig(tempFolder('crash'), processes, { env: { UMBEL_UNKNOWN_TASK_LIMIT: '1s' } })
      await rig.startWorker({ env: { UMBEL_TEST_NOT_DEPLOYED: 'yes' } })
      await rig.produce({ prefix: 'never', count: 20 }).succeeds()
      await rig.produce({ prefix: 'known', count: 20, task: 'early' }).succeeds()

      const bad = new Set(Array.from({ length: 20 }, (_, number) => `never-${number}`))
      const report = await rig.judge({ ...bounds, bad })

      line.add(report)
      assertPassed(report)
      for (const event of rig.history())
        if (event.e === 'dead') assert.match(event.v, /^unknown-task: .*"faults\.late"/)
      rig.close()
    },
  )
})
