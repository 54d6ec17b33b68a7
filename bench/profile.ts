import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { markdownTable } from './table.ts'

/** What V8's profiler writes, as far as it is read here. Times are µs. */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number }
  }[]
  readonly samples: readonly number[]
  readonly timeDeltas: readonly number[]
}

/** Time spent in something itself, without what it calls. */
export interface SelfTime {
  readonly what: string
  readonly us: number
}

const shownFunctions = 30
const shownFiles = 20

/** Self time of each function, most first; `idle` is left out. */
export function byFunction(profile: CpuProfile): SelfTime[] {
  return sums(profile, ({ functionName, url, lineNumber }) => {
    const name = functionName === '' ? '(anonymous)' : functionName
    return url === '' ? name : `${name} ${fileOf(url)}:${lineNumber + 1}`
  })
}

/** Self time of each file, most first. What belongs to none (the collector, native functions) stands for itself. */
export function byFile(profile: CpuProfile): SelfTime[] {
  return sums(profile, ({ functionName, url }) =>
    url === '' ? `native ${functionName.replace(/[()]/g, '') || 'anonymous'}` : fileOf(url),
  )
}

function sums(
  { nodes, samples, timeDeltas }: CpuProfile,
  nameOf: (frame: CpuProfile['nodes'][number]['callFrame']) => string,
): SelfTime[] {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]))
  const totals = new Map<string, number>()
  for (const [index, id] of samples.entries()) {
    const frame = names.get(id)
    if (frame === undefined || frame.functionName === '(idle)') continue
    const name = nameOf(frame)
    // The delta is that to the sample before: the time that this one stands for is the next.
    totals.set(name, (totals.get(name) ?? 0) + Math.max(0, timeDeltas[index + 1] ?? 0))
  }
  return [...totals].map(([what, us]) => ({ what, us })).sort((a, b) => b.us - a.us)
}

/** The profiles of a folder in words. @param tasks by which times are divided */
export function profileReport(folder: string, tasks: number): string {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.cpuprofile'))
    .map((name) => {
      const profile = JSON.parse(readFileSync(join(folder, name), 'utf8')) as CpuProfile
      return `${join(folder, name)}\n\n${shares(byFunction(profile), tasks, shownFunctions)}\n\n${shares(byFile(profile), tasks, shownFiles)}\n`
    })
    .join('\n')
}

function shares(all: readonly SelfTime[], tasks: number, shown: number): string {
  const total = all.reduce((sum, { us }) => sum + us, 0)
  const rows = all
    .slice(0, shown)
    .map(({ what, us }) => [what, (us / tasks).toFixed(2), `${((us / total) * 100).toFixed(1)} %`])
  return markdownTable(['self time', 'µs/task', 'share'], [...rows, ['all', (total / tasks).toFixed(2), '100 %']], 1)
}

/** From the package's folder on; Node's own as `node:…`. */
function fileOf(url: string): string {
  return url.replace(/^file:\/\//, '').replace(/^.*\/(dist|node_modules|programs)\//, '$1/')
}
