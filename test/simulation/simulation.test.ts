// Whole worlds in one process: real publishers and workers over an unkind but legal broker, on virtual time.
// `npm run test:simulate` runs ten thousand of them, and replays one: npm run test:simulate -- --seed 123 --trace
import { spawnSync } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { assert } from 'chai'
import { useTempFolders } from '../support/temp-folder.ts'
import { bundleSimulation } from './seeds/bundle.ts'
import { regressions } from './seeds/regressions.ts'
import { runSeed, type SeedReport } from './seeds/run-seed.ts'
import { failureOf, spreadSeeds, summaryOf } from './seeds/spread-seeds.ts'
import { faultKinds } from './unkind-broker/chaos.ts'

const seeds = 200

describe('the simulation', function () {
  this.timeout(300_000)
  const bundle = join(useTempFolders({ keepFor: 'suite' })(), 'simulation.mjs')
  let reports: readonly SeedReport[] = []
  before(() => bundleSimulation(bundle))

  it(`finds nothing in ${seeds} worlds`, async () => {
    const jobs = Math.max(2, Math.min(8, availableParallelism()))

    reports = await spreadSeeds({ bundle, first: 1, last: seeds, jobs })

    process.stdout.write(`${summaryOf(reports)}\n`)
    assert.lengthOf(reports, seeds)
    assert.deepEqual(failures(reports), [])
  })

  it('meets every fault in them, and has enough to do', () => {
    const sum = (of: (report: SeedReport) => number): number => reports.reduce((total, each) => total + of(each), 0)
    const kinds = new Set(reports.flatMap(({ injected }) => Object.keys(injected)))
    assert.deepEqual([...kinds].sort(), [...faultKinds].sort())
    assert.isAbove(
      sum(({ runs }) => runs),
      5_000,
    )
    assert.isAbove(
      sum(({ repeats }) => repeats),
      100,
    )
    assert.isAbove(
      sum(({ dead }) => dead),
      50,
    )
  })

  for (const [seed, { found }] of Object.entries(regressions))
    it(`stays right in seed ${seed}: ${found}`, async () => {
      assert.deepEqual(failures([await runSeed(seed)]), [])
    })

  it('is the same world for the same seed, here and in another process', async () => {
    for (const seed of ['3', '17']) {
      const lines: string[] = []
      const first = await runSeed(seed, { trace: (line) => void lines.push(line) })
      const second = await runSeed(seed)
      const elsewhere = spawnSync(process.execPath, [bundle, seed, '1', seed], { encoding: 'utf8' })

      assert.isAbove(lines.length, 100)
      assert.deepEqual(second, first)
      assert.deepEqual(JSON.parse(elsewhere.stdout), first)
    }
  })

  it('is another world for another seed', async () => {
    assert.notEqual((await runSeed('1')).hash, (await runSeed('2')).hash)
  })

  it('names the command that replays a failure', () => {
    const violations = [{ invariant: 1, what: 'c1 is gone' }]
    const report = { seed: '123', violations } as unknown as SeedReport

    assert.include(failureOf(report), 'c1 is gone')
    assert.include(failureOf(report), 'npm run test:simulate -- --seed 123 --trace')
  })
})

function failures(reports: readonly SeedReport[]): string[] {
  return reports.filter(({ violations }) => violations.length > 0).map(failureOf)
}
