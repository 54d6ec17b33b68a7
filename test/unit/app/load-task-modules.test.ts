import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { assert } from 'chai'
import { build } from 'esbuild'
import { loadModule, loadTaskModules } from '../../../lib/app/load-task-modules.ts'
import { LoadFailed } from '../../../lib/base/errors.ts'

const run = promisify(execFile)

let folder: string

function write(files: Record<string, string>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
}

async function refusal(promise: Promise<unknown>): Promise<LoadFailed> {
  const error = await promise.then(
    () => assert.fail('it was loaded'),
    (thrown: unknown) => thrown,
  )
  assert.instanceOf(error, LoadFailed)
  return error as LoadFailed
}

describe('loading of task modules', () => {
  beforeEach(() => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'umbel-load-')))
    write({ 'package.json': '{"type": "module"}' })
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  it('loads JavaScript, CommonJS and TypeScript, by path relative to the base, absolute path and file URL', async () => {
    write({
      'a.js': 'export const a = 1',
      'b.cjs': 'module.exports = { b: 2 }',
      'c.ts': 'export const c: number = 3',
      'lib/index.js': 'export const d = 4',
      'lib/package.json': '{"type": "module", "main": "./index.js"}',
    })

    assert.equal((await loadModule('./a.js', folder))['a'], 1)
    assert.equal((await loadModule('a.js', folder))['a'], 1)
    assert.deepEqual((await loadModule(join(folder, 'b.cjs'), '/'))['default'], { b: 2 })
    assert.equal((await loadModule(`file://${folder}/c.ts`, '/'))['c'], 3)
    assert.equal((await loadModule('./lib', folder))['d'], 4)
  })

  it('loads a package by its name, as installed near the base', async () => {
    write({
      'node_modules/my-tasks/package.json': '{"name": "my-tasks", "main": "m.cjs"}',
      'node_modules/my-tasks/m.cjs': 'exports.m = 5',
    })

    assert.equal((await loadModule('my-tasks', folder))['m'], 5)
  })

  it('runs imports in order, functions and texts', async () => {
    const order: string[] = []
    Object.assign(globalThis, { umbelTestOrder: order })
    write({ 'one.js': 'globalThis.umbelTestOrder.push("one")', 'three.js': 'globalThis.umbelTestOrder.push("three")' })

    await loadTaskModules(['./one.js', async () => order.push('two'), './three.js'], folder)

    assert.deepEqual(order, ['one', 'two', 'three'])
  })

  for (const [what, files, name, says] of [
    ['a file that is not there', {}, './gone.js', /^Could not find module "\.\/gone\.js" \(looked for .*gone\.js\)/],
    ['a file with another ending', { 'tasks.ts': '' }, './tasks.js', /Did you mean .*tasks\.ts\?$/],
    ['a package that is not installed', {}, 'no-such-package', /^Could not find module "no-such-package"/],
    ['a syntax error', { 'bad.js': 'export const = 1' }, './bad.js', /bad\.js: SyntaxError: /],
    [
      'a syntax error in TypeScript, with its place',
      { 'bad.ts': 'export const a = 1\nexport const b: = 2' },
      './bad.ts',
      /bad\.ts: TransformError: .*bad\.ts:2:/,
    ],
    [
      'a module that throws',
      { 'throws.js': 'throw new RangeError("no luck")' },
      './throws.js',
      /throws\.js: RangeError: no luck\.$/,
    ],
    [
      'a module that throws no error',
      { 'throws.js': 'throw "just text"' },
      './throws.js',
      /throws\.js: it threw just text\./,
    ],
    [
      'a missing import inside',
      { 'outer.js': 'import "./inner.js"' },
      './outer.js',
      /outer\.js: .*inner\.js.*imported from .*outer\.js\. Is it installed, and spelt as its file is\?$/,
    ],
  ] as const)
    it(`names the module: ${what}`, async () => {
      write(files)

      const error = await refusal(loadModule(name, folder))

      assert.match(error.message, says)
      assert.isDefined(error.cause)
    })

  it('a function among the imports that fails is named by its place and its source', async () => {
    const error = await refusal(loadTaskModules([() => import('no-such-package' as string)], folder))

    assert.match(error.message, /^Could not load imports\[0\] \(.*no-such-package.*\): /)
    assert.isDefined(error.cause)
  })

  describe('TypeScript under a Node without tsx', () => {
    let loader: string
    before(async function () {
      // The published form: JavaScript, run by a Node that knows nothing of tsx.
      this.timeout(30_000)
      const into = mkdtempSync(join(tmpdir(), 'umbel-built-'))
      loader = join(into, 'load.mjs')
      const source = `
        import { loadModule } from ${JSON.stringify(resolve('lib/app/load-task-modules.ts'))}
        try { console.log(JSON.stringify(await loadModule(process.argv[2], process.cwd()))) }
        catch (error) { console.log(error.code + ' ' + error.message) }`
      await build({
        stdin: { contents: source, resolveDir: '.', loader: 'ts' },
        bundle: true,
        platform: 'node',
        format: 'esm',
        outfile: loader,
      })
    })
    after(() => rmSync(dirname(loader), { recursive: true, force: true }))

    async function load(name: string): Promise<string> {
      const env = { ...process.env }
      delete env['NODE_OPTIONS']
      return (await run(process.execPath, [loader, name], { cwd: folder, env })).stdout.trim()
    }

    it("loads through the tsx that is installed in the user's project", async () => {
      symlinkSync(resolve('node_modules'), join(folder, 'node_modules'))
      write({
        'tasks.ts': 'import { x } from "./more.ts"\nexport const twice: number = x * 2',
        'more.ts': 'export const x: number = 21',
      })

      assert.equal(await load('./tasks.ts'), '{"twice":42}')
    })

    it('says what to do where there is none, or runs it where this Node can', async () => {
      write({ 'tasks.ts': 'export const x: number = 1' })

      const stripsTypes = Boolean((process.features as { typescript?: unknown }).typescript)
      assert.include(await load('./tasks.ts'), stripsTypes ? '{"x":1}' : 'UMBEL_LOAD_FAILED Could not load')
      if (!stripsTypes) assert.include(await load('./tasks.ts'), 'npm install --save-dev tsx')
    })
  })
})
