import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Processes, projectRoot, type StartedProcess } from '../../support/processes.ts'

/** Starts a script of `workload/` in a process of its own. @param fault as in `UMBEL_FAULT` */
export function startWorkload(
  processes: Processes,
  script: 'publish' | 'consume' | 'fill' | 'open',
  options: { args: readonly string[]; fault?: string },
): StartedProcess {
  const command = workloadCommand(script, options.args)
  return processes.start(process.execPath, command, { env: { UMBEL_FAULT: options.fault } })
}

/** What follows `node` to run a script of `workload/`. */
export function workloadCommand(script: string, args: readonly string[]): string[] {
  const loader = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href
  return ['--import', loader, join(projectRoot, 'test/crash/store/workload', `${script}.ts`), ...args]
}
