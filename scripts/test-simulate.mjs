// The long form of the simulation: 10,000 worlds, spread over the cores. Ends with a table, and with 1 if a seed failed.
// node --import tsx scripts/test-simulate.mjs [--from <seed>] [--seeds <count>] [--jobs <processes>]
// node --import tsx scripts/test-simulate.mjs --seed <seed> [--trace]     replays one, exactly
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { bundleSimulation } from '../test/simulation/seeds/bundle.ts'
import { failureOf, spreadSeeds, summaryOf } from '../test/simulation/seeds/spread-seeds.ts'

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    trace: { type: 'boolean' },
    from: { type: 'string', default: '1' },
    seeds: { type: 'string', default: '10000' },
    jobs: { type: 'string', default: String(availableParallelism()) },
  },
})
const folder = mkdtempSync(join(tmpdir(), 'umbel-simulation-'))
try {
  const bundle = join(folder, 'simulation.mjs')
  await bundleSimulation(bundle)
  if (values.seed === undefined) await runMany(bundle)
  else runOne(bundle, values.seed)
} finally {
  rmSync(folder, { recursive: true, force: true })
}

function runOne(bundle, seed) {
  const how = values.trace ? ['--trace', seed] : [seed, '1', seed]
  const { status } = spawnSync(process.execPath, [bundle, ...how], { stdio: 'inherit' })
  process.exitCode = status ?? 1
}

async function runMany(bundle) {
  const first = Number(values.from)
  const last = first + Number(values.seeds) - 1
  const begunAt = Date.now()
  let done = 0
  let failed = 0
  const onReport = (report) => {
    done++
    if (report.violations.length > 0) {
      failed++
      process.stdout.write(`${failureOf(report)}\n`)
    }
    if (done % 500 === 0) {
      const seconds = Math.round((Date.now() - begunAt) / 1000)
      process.stdout.write(`${done} of ${last - first + 1} seeds in ${seconds} s, ${failed} failed\n`)
    }
  }
  const reports = await spreadSeeds({ bundle, first, last, jobs: Number(values.jobs), onReport })
  process.stdout.write(`\n${summaryOf(reports)}\n`)
  process.stdout.write(`seconds  ${Math.round((Date.now() - begunAt) / 1000)}\n`)
  if (failed > 0) process.exitCode = 1
}
