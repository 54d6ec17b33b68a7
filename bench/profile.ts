import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { markdownTable } from './table.ts'

/** What V8's profiler writes, as far as it is read here. Times are µs. */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number }
    readonly children?: readonly number[]
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

/**
 * Time of each function of the package with all that it calls outside of the package: which of them SQLite, Node and V8 work for.
 * The wrapper of the driver counts as outside, since every statement goes through it.
 */
export function bySite(profile: CpuProfile): SelfTime[] {
  const frames = new Map(profile.nodes.map(({ id, callFrame }) => [id, callFrame]))
  const parents = new Map(
    profile.nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const)),
  )
  return sums(profile, (frame, id) => {
    for (let at: number | undefined = id; at !== undefined; at = parents.get(at)) {
      const { functionName, url, lineNumber } = frames.get(at)!
      if (isSite.test(url)) return `${functionName || '(anonymous)'} ${fileOf(url)}:${lineNumber + 1}`
    }
    return frame.url === '' ? frame.functionName : 'outside'
  })
}

const isSite = /\/dist\/(?!lib\/driver\/sqlite\/sqlite-database\.js)/

function sums({ nodes, samples, timeDeltas }: CpuProfile, nameOf: (frame: Frame, id: number) => string): SelfTime[] {
  const names = new Map(
    nodes
      .filter(({ callFrame }) => callFrame.functionName !== '(idle)')
      .map(({ id, callFrame }) => [id, nameOf(callFrame, id)]),
  )
  const totals = new Map<string, number>()
  for (const [index, id] of samples.entries()) {
    const name = names.get(id)
    // The delta is that to the sample before: the time that this one stands for is the next.
    if (name !== undefined) totals.set(name, (totals.get(name) ?? 0) + Math.max(0, timeDeltas[index + 1] ?? 0))
  }
  return [...totals].map(([what, us]) => ({ what, us })).sort((a, b) => b.us - a.us)
}

type Frame = CpuProfile['nodes'][number]['callFrame']

/** The profiles of a folder in words. @param tasks by which times are divided */
export function profileReport(folder: string, tasks: number): string {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.cpuprofile'))
    .map((name) => {
      const profile = JSON.parse(readFileSync(join(folder, name), 'utf8')) as CpuProfile
      const parts = [
        ['self time by function', byFunction(profile), shownFunctions],
        ['self time by file', byFile(profile), shownFiles],
        ['with what is called outside of the package', bySite(profile), shownFunctions],
      ] as const
      return [name, ...parts.map(([title, all, shown]) => shares(title, { all, tasks, shown }))].join('\n\n')
    })
    .join('\n\n')
}

function shares(title: string, parts: { all: readonly SelfTime[]; tasks: number; shown: number }): string {
  const { all, tasks, shown } = parts
  const total = all.reduce((sum, { us }) => sum + us, 0)
  const rows = all
    .slice(0, shown)
    .map(({ what, us }) => [what, (us / tasks).toFixed(2), `${((us / total) * 100).toFixed(1)} %`])
  return markdownTable([title, 'µs/task', 'share'], [...rows, ['all', (total / tasks).toFixed(2), '100 %']], 1)
}

/** From the package's folder on; Node's own as `node:…`. */
function fileOf(url: string): string {
  return url.replace(/^file:\/\//, '').replace(/^.*\/(dist|node_modules|programs)\//, '$1/')
}
