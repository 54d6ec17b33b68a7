import { execFileSync } from 'node:child_process'
import { cpus, loadavg, totalmem } from 'node:os'
import { fileURLToPath } from 'node:url'

/** Where and on what figures were taken. */
export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly memoryGb: number
  readonly node: string
  /** `node:sqlite`, or the package that stands in for it. */
  readonly sqlite: string
  readonly platform: string
  /** Short, with a plus sign where the files differ from it. */
  readonly commit: string
  /** Of the last minute, before anything was measured. */
  readonly load: number
}

export function thisMachine(): Machine {
  const all = cpus()
  const hasOwn = process.getBuiltinModule?.('node:sqlite') !== undefined
  return {
    cpu: all[0]?.model.trim() ?? 'unknown',
    cores: all.length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    sqlite: hasOwn ? 'node:sqlite' : 'libsql',
    platform: `${process.platform} ${process.arch}`,
    commit: commit(),
    load: loadavg()[0] ?? 0,
  }
}

function commit(): string {
  const git = (...args: string[]): string =>
    execFileSync('git', args, {
      cwd: fileURLToPath(new URL('..', import.meta.url)),
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim()
  try {
    return `${git('rev-parse', '--short', 'HEAD')}${git('status', '--porcelain') === '' ? '' : '+'}`
  } catch {
    return 'unknown'
  }
}
