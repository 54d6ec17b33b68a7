// The long forms of the fault tests: ten times the calls, a hundred kills, a million in the backlog. Takes the better part of an hour.
// node scripts/test-faults.mjs [test files; by default all of test/crash]
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const named = process.argv.slice(2)
const files =
  named.length > 0
    ? named
    : readdirSync(`${root}test/crash`)
        .filter((name) => name.endsWith('.test.ts'))
        .map((name) => `test/crash/${name}`)
const { status } = spawnSync(process.execPath, [`${root}node_modules/mocha/bin/mocha.js`, ...files], {
  cwd: root,
  stdio: 'inherit',
  env: { ...process.env, UMBEL_TEST_FAULTS: 'long' },
})
process.exit(status ?? 1)
