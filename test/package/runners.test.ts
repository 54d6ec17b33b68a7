// The testing kit as users have it: from the packed package, in a project under each test runner. The projects are in projects/.
import { cpSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { assert } from 'chai'
import { installPacked } from '../support/packed.ts'
import { builtCommand, projectRoot, useProcesses } from '../support/processes.ts'
import { skip } from '../support/skip.ts'
import { useTempFolders } from '../support/temp-folder.ts'

const runners = [
  { name: 'mocha', args: ['node_modules/mocha/bin/mocha.js', 'mocha/'], passed: /23 passing/ },
  { name: 'node:test', args: ['--test', 'node-test/'], passed: /[#ℹ] pass 23/ },
  {
    name: 'vitest',
    args: ['node_modules/vitest/vitest.mjs', 'run', '--config', 'vitest/vitest.config.js', '--no-color'],
    passed: /23 passed/,
  },
  {
    name: 'jest',
    args: ['--experimental-vm-modules', 'node_modules/jest/bin/jest.js', '--config', 'jest/jest.config.json'],
    passed: /23 passed/,
  },
]

describe('the testing kit, packed', () => {
  const processes = useProcesses({ keepFor: 'suite' })
  const tempFolder = useTempFolders({ keepFor: 'suite' })
  let home: string

  before(async function () {
    this.timeout(120_000)
    builtCommand()
    home = tempFolder('runners')
    await installPacked(home, processes)
    cpSync(join(projectRoot, 'test/package/projects'), home, { recursive: true })
    mkdirSync(join(home, 'node_modules/@types'), { recursive: true })
    for (const name of ['mocha', 'vitest', 'jest', '@jest', '@types/node', 'undici-types'])
      if (existsSync(join(projectRoot, 'node_modules', name)))
        symlinkSync(join(projectRoot, 'node_modules', name), join(home, 'node_modules', name))
  })

  for (const { name, args, passed } of runners) {
    it(`works under ${name}, also where it has replaced the timers, and lets it end`, async function () {
      this.timeout(60_000)
      if (args.some((arg) => arg.startsWith('node_modules/') && !existsSync(join(home, arg))))
        skip(this, `${name} is not installed`)

      // With NODE_ENV of its own, as a runner sets it; and no colours, so that the counts can be read.
      const run = await processes
        .node(args[0] as string, args.slice(1), { cwd: home, env: { NODE_ENV: undefined, NO_COLOR: '1', CI: '1' } })
        .succeeds({ withinMs: 50_000 })

      assert.match(`${run.stdout}${run.stderr}`, passed)
    })
  }

  it('compiles in the strictest settings', async () => {
    mkdirSync(join(home, 'typed'))
    writeFileSync(join(home, 'typed/main.ts'), typed)
    writeFileSync(join(home, 'typed/tsconfig.json'), JSON.stringify({ compilerOptions: strictest, files: ['main.ts'] }))

    await processes.node(join(projectRoot, 'node_modules/typescript/bin/tsc'), ['-p', join(home, 'typed')]).succeeds()
    const run = await processes.node(join(home, 'typed/main.js'), [], { cwd: home }).succeeds()

    assert.equal(run.stdout.trim(), 'SUCCESS 5')
  })
})

const typed = `
import { sharedTask } from 'umbel'
import { assertEnqueued, drain, startTesting, type Testing } from 'umbel/testing'

const add = sharedTask('typed.add', (x: number, y: number) => x + y)
const test: Testing = await startTesting()
const result = await add.delay(2, 3)
assertEnqueued(add, [2, 3], { queue: 'celery' })
const [run] = await drain()
const sum: number = await result.get()
console.log(run?.state, sum)
await test.close()
`

const strictest = {
  target: 'es2023',
  lib: ['es2023', 'dom', 'esnext.disposable'],
  module: 'nodenext',
  types: ['node'],
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  noPropertyAccessFromIndexSignature: true,
  noUnusedLocals: true,
  skipLibCheck: false,
}
