// Compiles lib/ and workers/ into dist/, from scratch, so that no file of an earlier build is ever packed.
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
rmSync(`${root}dist`, { recursive: true, force: true })
const { status } = spawnSync(
  process.execPath,
  [`${root}node_modules/typescript/bin/tsc`, '-p', `${root}tsconfig.build.json`],
  {
    stdio: 'inherit',
  },
)
if (status !== 0) process.exit(status ?? 1)
const command = `${root}dist/workers/cli/main.js`
if (existsSync(command)) chmodSync(command, 0o755)
