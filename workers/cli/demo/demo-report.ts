import type { FileFacts } from './inspect-file.ts'

/** What one call came to. */
export interface DemoEntry {
  readonly path: string
  readonly facts: FileFacts | undefined
  /** Why there are no facts. */
  readonly error: string | undefined
  /** From just before the call to its result, ms. */
  readonly waitedMs: number
}

export interface DemoReport {
  readonly files: number
  /** Files that were listed and have no entry, and entries beyond a file's first; 0 and 0, or something was lost or counted twice. */
  readonly missing: number
  readonly repeated: number
  readonly failed: readonly { readonly path: string; readonly error: string }[]
  readonly bytes: number
  readonly gzipBytes: number
  readonly lines: number
  readonly largest: { readonly path: string; readonly bytes: number } | undefined
  /** Groups of files with one content, empty ones left out; largest first. */
  readonly duplicates: readonly { readonly sha256: string; readonly bytes: number; readonly paths: readonly string[] }[]
  /** By bytes, largest first. */
  readonly languages: readonly {
    readonly language: string
    readonly files: number
    readonly bytes: number
    readonly lines: number
  }[]
  readonly seconds: number
  readonly tasksPerSecond: number
  /** Milliseconds from call to result. */
  readonly p50: number
  readonly p99: number
  /** With `--chaos`. */
  readonly killed?: { readonly pid: number; readonly afterFiles: number } | undefined
}

/** Sums up what came back. Pure. */
export function reportOf(
  entries: readonly DemoEntry[],
  run: { listed: number; seconds: number; killed?: DemoReport['killed'] },
): DemoReport {
  const waits = entries.map((entry) => entry.waitedMs).sort((a, b) => a - b)
  let largest: DemoReport['largest']
  const languages = new Map<string, { files: number; bytes: number; lines: number }>()
  const byHash = new Map<string, { bytes: number; paths: string[] }>()
  const sums = { bytes: 0, gzipBytes: 0, lines: 0 }
  for (const { path, facts } of entries) {
    if (facts === undefined) continue
    sums.bytes += facts.bytes
    sums.gzipBytes += facts.gzipBytes
    sums.lines += facts.lines
    if (largest === undefined || facts.bytes > largest.bytes) largest = { path, bytes: facts.bytes }
    const language = languages.get(facts.language) ?? { files: 0, bytes: 0, lines: 0 }
    languages.set(facts.language, {
      files: language.files + 1,
      bytes: language.bytes + facts.bytes,
      lines: language.lines + facts.lines,
    })
    const same = byHash.get(facts.sha256) ?? { bytes: facts.bytes, paths: [] }
    same.paths.push(path)
    byHash.set(facts.sha256, same)
  }
  return {
    files: entries.length,
    missing: run.listed - new Set(entries.map(({ path }) => path)).size,
    repeated: entries.length - new Set(entries.map(({ path }) => path)).size,
    failed: entries.flatMap(({ path, error }) => (error === undefined ? [] : [{ path, error }])),
    ...sums,
    largest,
    duplicates: [...byHash]
      .filter(([, { bytes, paths }]) => bytes > 0 && paths.length > 1)
      .map(([sha256, { bytes, paths }]) => ({ sha256, bytes, paths: paths.sort() }))
      .sort((a, b) => b.bytes * b.paths.length - a.bytes * a.paths.length),
    languages: [...languages].map(([language, counts]) => ({ language, ...counts })).sort((a, b) => b.bytes - a.bytes),
    seconds: run.seconds,
    tasksPerSecond: run.seconds > 0 ? entries.length / run.seconds : 0,
    p50: percentile(waits, 0.5),
    p99: percentile(waits, 0.99),
    killed: run.killed,
  }
}

function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}
