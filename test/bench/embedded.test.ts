// A tiny run of the benchmark: no figure of it means anything, but every row runs and every task is checked.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { assert } from 'chai'
import type { Measured } from '../../bench/report.ts'
import { suites } from '../../bench/suites.ts'
import { projectRoot, useProcesses } from '../support/processes.ts'
import { useTempFolders } from '../support/temp-folder.ts'
import { until } from '../support/until.ts'

const main = join(projectRoot, 'bench/main.ts')

describe('npm run bench', () => {
  const processes = useProcesses()
  const tempFolder = useTempFolders()

  it('embedded: every row runs for every system that has it, and every result is checked', async function () {
    this.timeout(60_000)
    const args = ['embedded', '--n', '2000', '--rounds', '1', '--backlog', '3000', '--no-append', '--json']

    const run = await processes.node(main, args, { cwd: projectRoot }).succeeds({ withinMs: 55_000 })

    const { measured } = JSON.parse(run.stdout) as { measured: Measured[] }
    const expected = suites['embedded']!.flatMap(({ name, rows }) => rows.map((row) => `${row} ${name}`))
    assert.sameMembers(
      measured.map(({ row, system }) => `${row} ${system}`),
      expected,
    )
    for (const { row, system, figures, rounds } of measured) {
      assert.lengthOf(rounds, 1)
      // The idle row sends one call at a time, and fewer.
      assert.equal(rounds[0]?.verified, row === 'idle' ? 110 : 2_000, `${row} ${system}`)
      for (const figure of figures) assert.isAbove(rounds[0]?.[figure] ?? Number.NaN, 0, `${row} ${system} ${figure}`)
    }
  })

  it('leaves no process and no file when it is interrupted', async () => {
    const temp = tempFolder('bench')
    const args = ['embedded', '--only', 'drain', '--no-append']
    const run = processes.node(main, args, { cwd: projectRoot, env: { TMPDIR: temp } })
    await until(() => readdirSync(temp, { recursive: true, encoding: 'utf8' }).some((name) => /\.db-wal$/.test(name)), {
      what: 'the producer to write',
    })

    const { code } = await run.kill('SIGINT')

    assert.equal(code, 130, run.output)
    assert.deepEqual(
      readdirSync(temp).filter((name) => !name.startsWith('tsx-')),
      [],
    )
  })

  it('what can’t be measured yet is refused with code 2, saying what can', async () => {
    const run = processes.node(main, ['rabbitmq'], { cwd: projectRoot })

    assert.equal((await run.ends()).code, 2)
    assert.include(run.stderr, 'There is embedded.')
  })
})
