#!/usr/bin/env node
import { realpathSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Command } from './command.ts'
import { callCommand } from './commands/call.ts'
import { deadCommand } from './commands/dead.ts'
import { demoCommand } from './commands/demo.ts'
import { purgeCommand } from './commands/purge.ts'
import { queuesCommand } from './commands/queues.ts'
import { reportCommand } from './commands/report.ts'
import { resultCommand } from './commands/result.ts'
import { workerCommand } from './commands/worker.ts'
import { runCommandLine } from './run-command-line.ts'

/** Every command of `umbel`, in the order of its help. */
export const commands: readonly Command[] = [
  workerCommand,
  callCommand,
  resultCommand,
  queuesCommand,
  purgeCommand,
  deadCommand,
  reportCommand,
  demoCommand,
]

// Run as a program, by whatever link; not when a test imports the list above.
if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const code = await runCommandLine(process.argv.slice(2), commands)
  // Written out before leaving; and leaving, since a user's module may hold connections open that are none of our business.
  process.stdout.write('', () => process.exit(code))
}
