// The comparison with the model has to find bugs, or its silence means nothing. Each bug of test/planted-bugs is built into a copy of the
// library, and the same search that passes without it must find it within a budget. The table says how soon.
import { spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { cpus } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { assert } from 'chai'
import type { PlantedBug } from '../planted-bugs/planted-bug.ts'
import { useTempFolders } from '../support/temp-folder.ts'
import { type Regression, regressions } from './regressions.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
/** Sequences that a search may take. */
const budget = 80
/** For a bug that has no sequence kept for it yet; shrinking takes longer than finding. */
const shrinkMs = 20_000
/** So that a change of the library, and not of luck, is what makes this test fail. */
const seed = 20_261

interface Kill extends Found {
  readonly name: string
  readonly store: string
  readonly description: string
}

interface Found {
  readonly sequences: number
  readonly isKeptFinding: boolean
  readonly found?: string
  readonly steps?: readonly unknown[]
}

describe('planted bugs', function () {
  this.timeout(240_000)
  const folder = useTempFolders({ keepFor: 'suite' })
  const kills: Kill[] = []

  before(async () => {
    const bugs = await readBugs()
    const jobs = [
      { name: 'none', store: 'sqlite', description: '' },
      { name: 'none', store: 'memory', description: '' },
      ...bugs.flatMap(([name, { stores = [], description }]) => stores.map((store) => ({ name, store, description }))),
    ]
    const builds = new Map<string, Promise<string>>()
    const buildOf = (name: string): Promise<string> => {
      const build = builds.get(name) ?? plant(name, join(folder(), name))
      builds.set(name, build)
      return build
    }
    const work = async (): Promise<void> => {
      for (let job = jobs.shift(); job !== undefined; job = jobs.shift())
        kills.push({ ...job, ...(await searchIn(await buildOf(job.name), job)) })
    }
    await Promise.all(Array.from({ length: Math.min(2, cpus().length) }, work))
  })

  it('are all found, each within its budget', () => {
    const planted = kills.filter(({ name }) => name !== 'none')
    process.stdout.write(tableOf(planted))
    assert.deepEqual(
      planted.filter(({ found }) => found === undefined).map(({ name, store }) => `${name} survived in ${store}`),
      [],
    )
    assert.isAtLeast(planted.length, 20)
  })

  it('are found at once by the sequence that is kept for each in regressions.ts', () => {
    assert.deepEqual(
      kills
        .filter(({ name, isKeptFinding }) => name !== 'none' && !isKeptFinding)
        .map(({ name, steps }) => `${name}: ${JSON.stringify(steps)}`),
      [],
    )
  })

  it('are what is found: without one, the same search finds nothing', () => {
    const unharmed = kills.filter(({ name }) => name === 'none')

    assert.deepEqual(
      unharmed.map(({ store, sequences, found }) => ({ store, sequences, found })).sort(byStore),
      ['memory', 'sqlite'].map((store) => ({ store, sequences: budget, found: undefined })),
    )
  })
})

function byStore(a: { store: string }, b: { store: string }): number {
  return a.store < b.store ? -1 : 1
}

async function readBugs(): Promise<[string, PlantedBug][]> {
  const files = readdirSync(`${root}test/planted-bugs`).filter((name) => name.endsWith('.mjs'))
  return Promise.all(
    files.map(async (name): Promise<[string, PlantedBug]> => {
      const { default: bug } = (await import(`../planted-bugs/${name}`)) as { default: PlantedBug }
      return [basename(name, '.mjs'), bug]
    }),
  )
}

async function plant(name: string, out: string): Promise<string> {
  await run([`${root}scripts/build.mjs`, '--plant', name, '--out', out])
  return out
}

async function searchIn(build: string, { name, store }: Pick<Kill, 'name' | 'store'>): Promise<Found> {
  const script = `${root}test/model/search-in-child.ts`
  const words = [name, store, budget, seed, keptFor(name) === undefined ? shrinkMs : 0].map(String)
  const output = await run(['--import', 'tsx', script, ...words], { UMBEL_TEST_BUILD: build })
  return JSON.parse(output.trim().split('\n').at(-1) ?? '') as Found
}

/** What it printed. */
function run(words: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<string> {
  const child = spawn(process.execPath, words, { cwd: root, env: { ...process.env, ...env } })
  const printed: Buffer[] = []
  const told: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => printed.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => told.push(chunk))
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => {
      if (code === 0) resolve(Buffer.concat(printed).toString())
      else reject(new Error(`${words.join(' ')} ended with ${code ?? signal}: ${Buffer.concat(told)}`))
    })
  })
}

function keptFor(name: string): Regression | undefined {
  return regressions.find(({ planted }) => planted === name)
}

function tableOf(kills: readonly Kill[]): string {
  const rows = kills
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, store, sequences, found }) => [
      name,
      found === undefined ? 'NOT FOUND' : `model, ${store}`,
      String(found === undefined ? sequences : sequences + 1),
      String(keptFor(name)?.steps.length ?? ''),
      (found ?? '').slice(0, 90),
    ])
  const lines = [['planted bug', 'found by', 'sequences', 'shrunk to', 'as'], ...rows]
  const widths = [0, 1, 2, 3].map((at) => Math.max(...lines.map((line) => line[at]!.length)))
  return `${lines.map((line) => `  ${line.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join('  ')}`.trimEnd()).join('\n')}\n`
}
