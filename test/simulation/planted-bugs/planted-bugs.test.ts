// The simulation is believed because it finds bugs. Each file here plants one into a copy of the sources; the world must fall over it.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { assert } from 'chai'
import { useTempFolders } from '../../support/temp-folder.ts'
import { bundleSimulation, type Edit } from '../seeds/bundle.ts'
import { regressions } from '../seeds/regressions.ts'
import { spreadSeeds } from '../seeds/spread-seeds.ts'

interface Bug {
  readonly description: string
  readonly edits: readonly Edit[]
}

/** No bug may take more seeds than this to be found. */
const budget = 150

describe('the simulation finds planted bugs', function () {
  this.timeout(120_000)
  const folder = useTempFolders({ keepFor: 'suite' })()
  const here = fileURLToPath(new URL('.', import.meta.url))
  const names = readdirSync(here)
    .filter((name) => name.endsWith('.mjs'))
    .map((name) => name.replace('.mjs', ''))
  const kills: string[] = []

  for (const name of names)
    it(`${name}, within ${budget} seeds`, async () => {
      const { bug, bundle } = await plant(name)

      const reports = await spreadSeeds({ bundle, first: 1, last: budget, jobs: 1, stops: true })

      const last = reports.at(-1)
      const found = last?.violations[0]
      kills.push(`${name} | ${found === undefined ? 'survived' : reports.length} | ${found?.invariant}: ${found?.what}`)
      assert.isDefined(found, `${bug.description}: not found in ${budget} seeds`)
    })

  for (const [seed, { plant: name, found }] of Object.entries(regressions))
    it(`${name} in seed ${seed}, as once: ${found}`, async () => {
      const { bundle } = await plant(name)

      const [report] = await spreadSeeds({ bundle, first: Number(seed), last: Number(seed), jobs: 1 })

      assert.isNotEmpty(report?.violations)
    })

  async function plant(name: string): Promise<{ readonly bug: Bug; readonly bundle: string }> {
    const { default: bug } = (await import(join(here, `${name}.mjs`))) as { default: Bug }
    const bundle = join(folder, `${name}.mjs`)
    await bundleSimulation(bundle, bug.edits)
    return { bug, bundle }
  }

  after(() => {
    process.stdout.write(`bug | seeds until found | how\n${kills.join('\n')}\n`)
  })
})
