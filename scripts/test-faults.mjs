// The long forms of the fault tests: ten times the calls, a hundred kills, a million in the backlog. Takes the better part of an hour, and
// ends with a table: fault, accepted, lost, repeated, longest recovery. What failed is not tried again.
// node scripts/test-faults.mjs [test files or Mocha's options; by default all of test/crash]
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { faultTable, readFaults } from '../test/support/fault-table.js'

const root = fileURLToPath(new URL('..', import.meta.url))
const words = process.argv.slice(2)
const files = words.some((word) => word.endsWith('.test.ts'))
  ? []
  : readdirSync(`${root}test/crash`, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.test.ts'))
      .map((name) => `test/crash/${name}`)
      .sort()

const folder = mkdtempSync(join(tmpdir(), 'umbel-faults-'))
const table = join(folder, 'table.jsonl')
const { status } = spawnSync(process.execPath, [`${root}node_modules/mocha/bin/mocha.js`, ...words, ...files], {
  cwd: root,
  stdio: 'inherit',
  env: { ...process.env, UMBEL_TEST_FAULTS: 'long', UMBEL_TEST_FAULT_TABLE: table },
})
const rows = readFaults(table)
console.log(`\n${faultTable(rows).join('\n')}`)
rmSync(folder, { recursive: true })
process.exit(status !== 0 || rows.some(({ verdict }) => verdict !== 'passed') ? 1 : 0)
