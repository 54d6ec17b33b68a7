import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { assert } from 'chai'
import { projectRoot, type StartedProcess, useProcesses } from '../../support/processes.ts'
import { skip } from '../../support/skip.ts'
import { useTempFolders } from '../../support/temp-folder.ts'

describe('test report', () => {
  const run = useMocha()

  it('ends with the counts of what really ran', async () => {
    const mocha = await run(`
      it('one', () => {})
      it('two', () => { throw new Error('broken here') })
      it('three', function () { skip(this, 'no moon tonight') })`)

    assert.equal(lastLine(mocha), '1 passed, 1 failed, 1 skipped')
    assert.equal((await mocha.exited).code, 1)
    assert.match(mocha.stdout, /broken here/)
    assert.match(mocha.stdout, /skipped: no moon tonight\n {2}- three/)
  })

  it('ends with exit code 0 when nothing failed', async () => {
    const mocha = await run(`it('one', () => {})`)

    assert.equal(lastLine(mocha), '1 passed, 0 failed, 0 skipped')
    assert.equal((await mocha.exited).code, 0)
  })

  it('takes a run of no tests for a failure', async () => {
    const mocha = await run(`describe('empty', () => {})`)

    assert.equal(lastLine(mocha), '0 passed, 0 failed, 0 skipped')
    assert.equal((await mocha.exited).code, 1)
  })

  it('takes a skip without a reason for a failure', async () => {
    const mocha = await run(`it('one', () => {}); it.skip('two', () => {})`)

    assert.equal(lastLine(mocha), '1 passed, 1 failed, 0 skipped')
    assert.equal((await mocha.exited).code, 1)
    assert.match(mocha.stdout, /Skipped without a reason/)
  })

  it('prints the reason of a suite that was skipped as a whole', async () => {
    const mocha = await run(`describe('all', () => {
      before(function () { skip(this, 'no server here') })
      it('one', () => {})
      it('two', () => {})
    })`)

    assert.equal(lastLine(mocha), '0 passed, 0 failed, 2 skipped')
    assert.match(mocha.stdout, /skipped: no server here\n {2}- all one\n {2}- all two/)
  })

  it('fails a run in which a hook kept tests from running, and says how many', async () => {
    const mocha = await run(`describe('all', () => {
      before(() => { throw new Error('no ground') })
      it('one', () => {})
      it('two', () => {})
    })`)

    assert.match(mocha.stdout, /1 of 2 tests never ran|2 of 2 tests never ran/)
    assert.equal((await mocha.exited).code, 1)
  })
})

describe('leak guard', () => {
  const run = useMocha()

  const leaks: Record<string, { code: string; named: RegExp }> = {
    'a timer': { code: 'setTimeout(() => {}, 8_000)', named: /active Timeout/ },
    'a child process': {
      code: `spawn(process.execPath, ['-e', 'setTimeout(() => {}, 8_000)'], { stdio: 'ignore' }).unref()`,
      named: /child process \d+/,
    },
    'a grandchild whose parent is gone': {
      code: `spawnSync('sh', ['-c', 'sleep 8 &'], { stdio: 'ignore' })`,
      named: /process \d+ \(sleep 8\)/,
    },
    'a worker thread': {
      code: `new Worker('setInterval(() => {}, 99)', { eval: true }).unref()`,
      named: /worker thread \d+/,
    },
    'a socket': {
      code: `await new Promise((done) => { const server = createServer().listen(0, '127.0.0.1', () => {
        const socket = connect(server.address().port, '127.0.0.1', () => { socket.unref(); server.unref(); done() }) }) })`,
      named: /socket 127\.0\.0\.1:\d+ to 127\.0\.0\.1:\d+/,
    },
    'a file watcher': { code: `watch('.')`, named: /active FSEventWrap/ },
    'a signal handler': { code: `process.on('SIGTERM', () => {})`, named: /listener of SIGTERM/ },
    'a temporary file': { code: `mkdtempSync(join(tmpdir(), 'left-'))`, named: /temporary file .*left-/ },
  }
  for (const [what, { code, named }] of Object.entries(leaks)) {
    it(`fails the suite that left ${what}, and only that`, async function () {
      if (what.includes('grandchild') && process.platform !== 'linux') skip(this, 'only /proc shows orphans')

      const mocha = await run(`
        describe('tidy', () => it('before', () => {}))
        describe('untidy', () => it('leaves something', async () => { ${code} }))
        describe('tidy again', () => it('after', () => {}))`)

      assert.match(mocha.stdout, named)
      assert.match(mocha.stdout, /untidy "after all" hook: leaves nothing behind/)
      assert.equal(mocha.stdout.match(/Left behind by this suite/g)?.length, 2, 'told once, in the list and in full')
      for (const pid of mocha.stdout.matchAll(/process (\d+) \(/g)) endLeaked(Number(pid[1]))
    })
  }

  it('gives what is on its way out a moment to go', async () => {
    const mocha = await run(`
      describe('slow to tidy', () => it('ends soon', () => {
        setTimeout(() => {}, 200)
        spawn('sleep', ['0.2'], { stdio: 'ignore' })
      }))`)

    assert.equal(lastLine(mocha), '1 passed, 0 failed, 0 skipped')
  })
})

/** Runs a test file of these lines under Mocha with this project's reporter and guard. */
function useMocha(): (body: string) => Promise<StartedProcess> {
  const processes = useProcesses()
  const tempFolder = useTempFolders()
  return async (body) => {
    const support = (name: string): string => pathToFileURL(join(projectRoot, 'test/support', name)).href
    const file = join(tempFolder(), 'inner.test.mts')
    const head = `
      import { spawn, spawnSync } from 'node:child_process'
      import { mkdtempSync, watch } from 'node:fs'
      import { connect, createServer } from 'node:net'
      import { tmpdir } from 'node:os'
      import { join } from 'node:path'
      import { Worker } from 'node:worker_threads'
      import { skip } from '${support('skip.ts')}'`
    writeFileSync(file, `${head}\n${body}`)
    const mocha = processes.node(
      'node_modules/mocha/bin/mocha.js',
      [
        '--no-config',
        // What a test leaks on purpose must not keep the inner run alive.
        '--exit',
        ...[
          '--node-option',
          'import=tsx',
          '--reporter',
          './test/support/reporter.cjs',
          '--require',
          'test/support/leaks.ts',
          file,
        ],
      ],
      { cwd: projectRoot, env: { UMBEL_TEST_PATIENCE_MS: '500' } },
    )
    await mocha.ends()
    return mocha
  }
}

/** What the inner run left on purpose. */
function endLeaked(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // Ended by itself.
  }
}

function lastLine(mocha: StartedProcess): string | undefined {
  return mocha.stdout.trimEnd().split('\n').at(-1)
}
