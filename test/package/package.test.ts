// The package as its users get it: packed, installed, and used from every kind of project.
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { assert } from 'chai'
import { installPacked, type Packed } from '../support/packed.ts'
import { builtCommand, projectRoot, useProcesses } from '../support/processes.ts'
import { useTempFolders } from '../support/temp-folder.ts'

describe('the packed package', () => {
  const processes = useProcesses({ keepFor: 'suite' })
  const tempFolder = useTempFolders({ keepFor: 'suite' })
  let home: string
  let packed: Packed

  before(async function () {
    this.timeout(120_000)
    builtCommand()
    home = tempFolder('package')
    packed = await installPacked(home, processes)
    mkdirSync(join(home, 'node_modules/@types'), { recursive: true })
    for (const name of ['@types/node', 'undici-types']) {
      symlinkSync(join(projectRoot, 'node_modules', name), join(home, 'node_modules', name))
    }
    write('worker/package.json', '{ "type": "module" }')
    write('worker/tasks.js', tasksModule)
    write(
      'worker/app.js',
      `import { Umbel } from 'umbel'\nexport const app = new Umbel('packed', { imports: ['./tasks.js'] })\n`,
    )
    const worker = processes.node(
      join(home, 'node_modules/umbel/dist/workers/cli/main.js'),
      ['-A', './app.js', 'worker'],
      {
        cwd: join(home, 'worker'),
        env: store(),
      },
    )
    await worker.prints('ready')
  })

  it('holds what is built and nothing else', () => {
    const paths = packed.files.map(({ path }) => path)

    const strange = paths.filter(
      (path) => !/^(dist\/(lib|workers)\/.*\.(js|d\.ts)|package\.json|README\.md|LICENSE|CHANGELOG\.md)$/.test(path),
    )
    assert.deepEqual(strange, [])
    const manifest = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as Manifest
    for (const target of Object.values(manifest.exports).flatMap((entry) =>
      typeof entry === 'string' ? entry : Object.values(entry),
    )) {
      assert.include(paths, target.slice(2))
    }
    const command = packed.files.find(({ path }) => `./${path}` === manifest.bin['umbel'])
    assert.equal((command?.mode ?? 0) & 0o111, 0o111, 'the command can be executed')
    for (const name of ['README.md', 'LICENSE', 'CHANGELOG.md']) assert.include(paths, name)
    console.log(
      `    ${paths.length} files, ${Math.round(packed.size / 1024)} kB packed, ${Math.round(packed.unpackedSize / 1024)} kB unpacked`,
    )
  })

  it('sends and gets a result from an ES module', async () => {
    write('esm/package.json', '{ "type": "module" }')
    write('esm/main.js', producer(`import { Umbel, sharedTask } from 'umbel'`))

    assert.equal(await runNode('esm/main.js'), '{"sum":5,"error":"RangeError: no"}')
  })

  it('sends and gets a result from CommonJS, by require()', async () => {
    write('cjs/package.json', '{ "type": "commonjs" }')
    write('cjs/main.js', `(async () => {\n${producer(`const { Umbel, sharedTask } = require('umbel')`)}\n})()`)

    assert.equal(await runNode('cjs/main.js'), '{"sum":5,"error":"RangeError: no"}')
  })

  it('can be required as a worker too', async () => {
    write('cjs-worker/package.json', '{ "type": "commonjs" }')
    write('cjs-worker/main.js', workerProgram)

    assert.equal(await runNode('cjs-worker/main.js', { UMBEL_BROKER: undefined }), '42')
  })

  for (const [what, kind, types] of [
    ['an ES module in TypeScript', 'module', ['node']],
    ['CommonJS in TypeScript', 'commonjs', ['node']],
    ['TypeScript that lists no types', 'module', []],
  ] as const) {
    it(`compiles in the strictest settings, and runs, from ${what}`, async () => {
      const folder = `ts-${kind}-${types.length}`
      write(`${folder}/package.json`, JSON.stringify({ type: kind }))
      write(`${folder}/tsconfig.json`, JSON.stringify({ compilerOptions: { ...strictest, types }, files: ['main.ts'] }))
      write(`${folder}/main.ts`, typedProducer)

      await processes.node(join(projectRoot, 'node_modules/typescript/bin/tsc'), ['-p', join(home, folder)]).succeeds()

      assert.equal(await runNode(`${folder}/main.js`), '{"sum":5,"error":"RangeError: no"}')
    })
  }

  for (const format of ['esm', 'cjs'] as const) {
    it(`sends and gets a result from a producer bundled with esbuild as ${format}`, async () => {
      const file = `bundled/main.${format === 'esm' ? 'mjs' : 'cjs'}`
      write(
        'bundled/source.mjs',
        `async function main() {\n${producer('')}\n}\nmain()\nimport { Umbel, sharedTask } from 'umbel'`,
      )

      // Native drivers stay outside of every bundle.
      await processes
        .start(
          join(projectRoot, 'node_modules/.bin/esbuild'),
          [
            'bundled/source.mjs',
            '--bundle',
            '--platform=node',
            `--format=${format}`,
            '--external:libsql',
            `--outfile=${file}`,
            '--log-level=warning',
          ],
          { cwd: home },
        )
        .succeeds()

      assert.equal(await runNode(file), '{"sum":5,"error":"RangeError: no"}')
    })
  }

  it('loads no other package and no client module when it is imported, and opens nothing', async () => {
    write(
      'esm/loaded.js',
      `
      const before = new Set(process.moduleLoadList)
      await import('umbel')
      const more = process.moduleLoadList.filter((name) => !before.has(name)).map((name) => name.replace(/^NativeModule |^Internal Binding /, ''))
      console.log(JSON.stringify({ more, active: process.getActiveResourcesInfo().filter((name) => /^(Timeout|MessagePort|FSEventWrap|TCP.*Wrap|ProcessWrap|UDPWrap)$/.test(name)) }))`,
    )

    const run = await processes.node(join(home, 'esm/loaded.js'), [], { cwd: home }).succeeds()
    const { more, active } = JSON.parse(run.stdout) as { more: string[]; active: string[] }

    assert.deepEqual(
      more.filter((name) =>
        /^(net|tls|http|http2|https|dgram|child_process|worker_threads|cluster|sqlite|dns)$/.test(name),
      ),
      [],
    )
    assert.deepEqual(active, [])
    const packages = await loadedPackages()
    assert.deepEqual(packages, ['umbel'])
  })

  it('costs little to import (printed, not judged)', async function () {
    this.timeout(60_000)
    const times: Record<'bare' | 'umbel', number[]> = { bare: [], umbel: [] }
    write('esm/bare.js', '')
    write('esm/import.js', `import 'umbel'`)
    for (let round = 0; round < 7; round++) {
      for (const [name, file] of [
        ['bare', 'esm/bare.js'],
        ['umbel', 'esm/import.js'],
      ] as const) {
        const startedAt = performance.now()
        await runNode(file)
        times[name].push(performance.now() - startedAt)
      }
    }
    const [bare, umbel] = [median(times.bare), median(times.umbel)]
    console.log(
      `    bare Node ${Math.round(bare)} ms, importing umbel ${Math.round(umbel - bare)} ms more (medians of 7)`,
    )
    assert.isAbove(umbel, 0)
  })

  /** Names of the packages whose files an import of umbel loads. */
  async function loadedPackages(): Promise<string[]> {
    write(
      'esm/resolve-hook.mjs',
      `
      import { writeSync } from 'node:fs'
      export async function load(url, context, next) { writeSync(1, url + '\\n'); return await next(url, context) }`,
    )
    write(
      'esm/import-hooked.js',
      `
      import { register } from 'node:module'
      register('./resolve-hook.mjs', import.meta.url)
      await import('umbel')`,
    )
    const run = await processes.node(join(home, 'esm/import-hooked.js'), [], { cwd: home }).succeeds()
    const names = [...run.stdout.matchAll(/\/node_modules\/((?:@[^/]+\/)?[^/]+)\//g)].map((match) => match[1] ?? '')
    return [...new Set(names)]
  }

  async function runNode(file: string, env: Record<string, string | undefined> = store()): Promise<string> {
    const run = await processes.node(join(home, file), [], { cwd: dirname(join(home, file)), env }).succeeds()
    return run.stdout.trim()
  }

  function store(): Record<string, string> {
    return { UMBEL_BROKER: `sqlite://${home}/store.db` }
  }

  function write(path: string, text: string): void {
    mkdirSync(dirname(join(home, path)), { recursive: true })
    writeFileSync(join(home, path), text)
  }
})

interface Manifest {
  readonly exports: Readonly<Record<string, string | Readonly<Record<string, string>>>>
  readonly bin: Readonly<Record<string, string>>
}

const tasksModule = `
import { sharedTask } from 'umbel'
export const add = sharedTask('packed.add', (x, y) => x + y)
export const fail = sharedTask('packed.fail', () => { throw new RangeError('no') })
`

/** A program that awaits at its top level or in a function, whichever it is put into. */
function producer(head: string): string {
  return `${head}
const app = new Umbel('producer')
const add = sharedTask('packed.add', (x, y) => x + y)
const sum = await (await add.delay(2, 3)).get({ timeout: '20s' })
const outcome = await (await app.sendTask('packed.fail')).outcome({ timeout: '20s' })
console.log(JSON.stringify({ sum, error: String(outcome.error) }))
`
}

const typedProducer = `
import { remoteTask, sharedTask, Umbel, type AsyncResult } from 'umbel'

async function main(): Promise<void> {
  const app = new Umbel('producer')
  const add = sharedTask({ name: 'packed.add' }, (x: number, y: number) => x + y)
  const fail = remoteTask<() => void>('packed.fail')
  const result: AsyncResult<number> = await add.delay(2, 3)
  const sum: number = await result.get({ timeout: '20s' })
  // @ts-expect-error a text is no number
  const wrong = (): Promise<unknown> => add.delay('2', 3)
  const outcome = await (await fail.delay()).outcome({ timeout: '20s' })
  const error = outcome.kind === 'failed' ? String(outcome.error) : typeof wrong
  console.log(JSON.stringify({ sum, error }))
  await app.close()
}

void main()
`

const workerProgram = `
const { Umbel, sharedTask } = require('umbel')
const { Worker } = require('umbel/worker')
const double = sharedTask('packed.double', (n) => n * 2)
;(async () => {
  const app = new Umbel('both', { broker: 'memory://', logLevel: 'error' })
  const worker = new Worker(app)
  await worker.start()
  console.log(await (await double.delay(21)).get({ timeout: '10s' }))
  await worker.stop()
  await app.close()
})()
`

const strictest = {
  target: 'es2023',
  lib: ['es2023', 'dom', 'esnext.disposable'],
  module: 'nodenext',
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  noPropertyAccessFromIndexSignature: true,
  noImplicitOverride: true,
  noUnusedLocals: true,
  skipLibCheck: false,
}

function median(numbers: readonly number[]): number {
  return [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN
}
