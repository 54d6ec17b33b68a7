import { deadLetterFaults, followUpFaults, leftBehind, processFaults, resumeTimes } from './check-endings.ts'
import type { HistoryEvent } from './history.ts'
import { type Facts, type Fault, gatherFacts, type Run } from './history-facts.ts'

/** What a run of faults has to hold; see {@link checkHistory}. */
export interface HistoryBounds {
  /** `at-most-once`: no id ever starts twice, and each kill may lose what was in flight. */
  readonly mode: 'at-least-once' | 'at-most-once'
  /** Deliveries that one worker can hold: runs that one kill may repeat, or lose at most once. */
  readonly inFlight: number
  /** At most once: runs under way at a time, which a kill may end without a trace. @default inFlight */
  readonly running?: number
  /** Longest time from a kill until what it interrupted has started elsewhere. */
  readonly recoveryMs: number
  /**
   * Result and acknowledgement are one act in the store under test, so nothing may start once its result was read.
   * @default true
   */
  readonly settlesAtOnce?: boolean
  /** Longest stretch without any start, end or read between the first start and the last end. @default Infinity */
  readonly quietMs?: number
  /** The fault that must have hit work in flight, or the run proves nothing; `none` for a run without faults. */
  readonly faults: 'expected' | 'none'
  /** Longest time from the end of a fault until something completes. @default Infinity */
  readonly resumeMs?: number
  /** Ids that must end as a dead letter, exactly once and with a reason, and nothing else may. @default whatever is dead is told */
  readonly bad?: ReadonlySet<string>
  /** Every completed id must have been read by a waiter or from its record. @default true */
  readonly resultsRead?: boolean
}

/** What the checker found. */
export interface HistoryReport {
  /** `inconclusive`: nothing is wrong, but the run was too tame to show anything; not a pass. */
  readonly verdict: 'passed' | 'failed' | 'inconclusive'
  /** Sentences, worst first; at most {@link shownOfEach} of each kind. */
  readonly problems: readonly string[]
  readonly counts: HistoryCounts
}

export interface HistoryCounts {
  readonly attempted: number
  readonly resolved: number
  readonly refused: number
  readonly unknown: number
  readonly runs: number
  readonly completed: number
  /** Accepted and never completed, and nobody was told. */
  readonly lost: number
  readonly repeats: number
  readonly dead: number
  /** Calls that never completed and whose record says that they failed. */
  readonly toldFailures: number
  readonly expired: number
  readonly faults: number
  /** Faults that hit a process with a run under way. */
  readonly faultsInFlight: number
  /** Longest time from the end of a fault until something completed. */
  readonly longestResumeMs: number
  /** Longest time from a kill until something it interrupted started again. */
  readonly longestRecoveryMs: number
  /** Longest stretch in which nothing started, ended or was read. */
  readonly longestQuietMs: number
}

const shownOfEach = 5

/**
 * Judges a history: nothing that was accepted is lost, nothing appears that nobody sent, a repeat follows a fault that explains it and was told
 * `redelivered`, no two valid runs of one id overlap, what waiters got is what the last run returned, and what faults interrupted came
 * back in time. A run that was not drained, or whose faults hit nothing in flight, is inconclusive.
 */
export function checkHistory(history: readonly HistoryEvent[], bounds: HistoryBounds): HistoryReport {
  const facts = gatherFacts(history)
  const recovery = recoveries(facts)
  const quietMs = longestQuiet(history)
  const problems = [
    ...some('malformed history', facts.malformed),
    ...some('lost', lost(facts, bounds)),
    ...some('ghost', ghosts(facts)),
    ...some('run twice', badRepeats(facts, bounds)),
    ...some('overlap', overlaps(facts)),
    ...some('run after its result', bounds.settlesAtOnce === false ? [] : startsAfterRead(facts)),
    ...some('wrong result', wrongResults(facts)),
    ...some('late', lateReads(facts)),
    ...some('left over', leftOvers(facts)),
    ...some('left behind', leftBehind(facts)),
    ...some('follow-up', followUpFaults(facts)),
    ...some('quarantine', deadLetterFaults(facts, bounds.bad)),
    ...some('process', processFaults(facts)),
    ...some(
      'slow to resume',
      resumeTimes(facts)
        .filter((ms) => ms > (bounds.resumeMs ?? Infinity))
        .map((ms) => `the first completion came ${Math.round(ms)} ms after the fault, bound ${bounds.resumeMs} ms`),
    ),
    ...some(
      'standstill',
      quietMs > (bounds.quietMs ?? Infinity)
        ? [`nothing happened for ${Math.round(quietMs)} ms, bound ${bounds.quietMs} ms`]
        : [],
    ),
    ...some(
      'slow recovery',
      recovery
        .filter((each) => each.ms > bounds.recoveryMs)
        .map(
          (each) => `${each.id} started again ${Math.round(each.ms)} ms after the fault, bound ${bounds.recoveryMs} ms`,
        ),
    ),
  ]
  const tame = tameness(facts, bounds)
  return {
    verdict: problems.length > 0 ? 'failed' : tame.length > 0 ? 'inconclusive' : 'passed',
    problems: [...problems, ...tame],
    counts: { ...countAll(facts, recovery), longestQuietMs: quietMs },
  }
}

/** The counts in one line, as tests print them. */
export function describeCounts(report: HistoryReport): string {
  const { counts: c } = report
  return (
    `${report.verdict}: ${c.resolved} resolved, ${c.refused} refused, ${c.unknown} unknown; ${c.runs} runs, ${c.completed} completed, ` +
    `${c.repeats} repeats, ${c.dead} dead letters, ${c.toldFailures} recorded as failed, ${c.expired} expired; ${c.faultsInFlight} of ${c.faults} faults hit work in flight; ` +
    `longest recovery ${Math.round(c.longestRecoveryMs)} ms, longest standstill ${Math.round(c.longestQuietMs)} ms`
  )
}

function isCompleted(runs: readonly Run[] | undefined): boolean {
  return runs?.some((run) => run.value !== undefined) ?? false
}

function missingOf(facts: Facts): string[] {
  return [...facts.accepted].filter(
    (id) => !isCompleted(facts.runsById.get(id)) && !facts.dead.has(id) && !facts.expired.has(id),
  )
}

function lost(facts: Facts, bounds: HistoryBounds): string[] {
  const missing = missingOf(facts)
  if (bounds.mode === 'at-least-once') return missing.map((id) => `${id} was accepted and never completed`)
  const told = toldOfFailure(facts)
  const silent = missing.filter((id) => !told.has(id)).length
  const kills = killsOf(facts)
  const mayBeSilent = kills * (bounds.running ?? bounds.inFlight)
  const problems: string[] = []
  if (silent > mayBeSilent)
    problems.push(
      `${silent} accepted calls never completed and left no record; ${mayBeSilent} may, that ran when they were killed`,
    )
  if (missing.length - silent > kills * bounds.inFlight) {
    problems.push(
      `${missing.length - silent} accepted calls were recorded as lost; ${kills * bounds.inFlight} may be, that a killed worker held`,
    )
  }
  return problems
}

function toldOfFailure(facts: Facts): ReadonlySet<string> {
  return new Set(facts.reads.filter((read) => read.state === 'FAILURE').map((read) => read.id))
}

function killsOf(facts: Facts): number {
  return facts.faults.filter((fault) => fault.how === 'kill').length
}

/** At most once, a run that ended just before its worker was killed may have left no record; otherwise each has. */
function unreadAllowed(facts: Facts, bounds: HistoryBounds): number {
  return bounds.mode === 'at-most-once' ? killsOf(facts) * bounds.inFlight : 0
}

function ghosts(facts: Facts): string[] {
  const seen = new Set([...facts.runsById.keys(), ...facts.dead.keys()])
  return [...seen].flatMap((id) =>
    !facts.attempted.has(id)
      ? [`${id} ran, and nobody sent it`]
      : facts.refused.has(id)
        ? [`${id} ran, although its call was refused`]
        : [],
  )
}

/** When a run stopped being valid: it ended, or its process was killed. A frozen or cold-stopped process loses its claims likewise. */
function invalidSince(run: Run, facts: Facts): number | undefined {
  const fault = facts.faults.find(
    (each) => each.victim === run.pid && each.onAt >= run.startedAt && (each.how === 'kill' || each.how === 'freeze'),
  )
  const ends = [run.endedAt, fault?.onAt].filter((at) => at !== undefined)
  return ends.length === 0 ? undefined : Math.min(...ends)
}

function badRepeats(facts: Facts, bounds: HistoryBounds): string[] {
  const problems: string[] = []
  const repeatsOfFault = new Map<Fault, number>()
  for (const [id, runs] of facts.runsById) {
    // A retry is a new message on purpose; only runs of one and the same retry number are repeats.
    for (const [again, first] of pairsOfSameRetry(runs)) {
      if (bounds.mode === 'at-most-once') {
        problems.push(`${id} started twice, in processes ${first.pid} and ${again.pid}`)
        continue
      }
      if (first.released) continue
      const fault = explains(first, again, facts)
      if (fault === undefined)
        problems.push(`${id} ran again in process ${again.pid}, and no fault of process ${first.pid} explains it`)
      else repeatsOfFault.set(fault, (repeatsOfFault.get(fault) ?? 0) + 1)
      if (fault !== undefined && !again.redelivered)
        problems.push(`${id} ran again in process ${again.pid} without being told that it was redelivered`)
    }
  }
  for (const [fault, count] of repeatsOfFault) {
    if (count > bounds.inFlight)
      problems.push(
        `one ${fault.how} of process ${fault.victim} had ${count} repeats; a worker holds ${bounds.inFlight}`,
      )
  }
  return problems
}

function pairsOfSameRetry(runs: readonly Run[]): [again: Run, first: Run][] {
  const pairs: [Run, Run][] = []
  const last = new Map<number, Run>()
  for (const run of runs) {
    const before = last.get(run.retries)
    if (before !== undefined) pairs.push([run, before])
    last.set(run.retries, run)
  }
  return pairs
}

/** The fault that took the first run's claim away before the second one started. */
function explains(first: Run, again: Run, facts: Facts): Fault | undefined {
  return facts.faults.find(
    (fault) =>
      (fault.how === 'broker' || fault.victim === first.pid) &&
      fault.how !== 'warm-stop' &&
      fault.onAt >= first.startedAt &&
      fault.onAt <= again.startedAt,
  )
}

function overlaps(facts: Facts): string[] {
  const problems: string[] = []
  for (const [id, runs] of facts.runsById) {
    for (const [again, first] of pairsOfSameRetry(runs)) {
      const until = invalidSince(first, facts)
      if (until === undefined || again.startedAt < until) {
        problems.push(`${id} started in process ${again.pid} while its run in process ${first.pid} was still valid`)
      }
    }
  }
  return problems
}

function startsAfterRead(facts: Facts): string[] {
  const problems = new Set<string>()
  for (const read of facts.reads) {
    if (read.state === 'NONE') continue
    const after = facts.runsById.get(read.id)?.find((run) => run.startedAt > read.t)
    if (after !== undefined) problems.add(`${read.id} started in process ${after.pid} after its result had been read`)
  }
  return [...problems]
}

function wrongResults(facts: Facts): string[] {
  const problems: string[] = []
  const seen = new Map<string, string>()
  for (const read of facts.reads) {
    if (read.state === 'NONE') continue
    const said = `${read.state} ${read.v}`
    const before = seen.get(read.id)
    if (before !== undefined && before !== said) problems.push(`${read.id} was read as ${before}, and later as ${said}`)
    seen.set(read.id, said)
    if (read.state !== 'SUCCESS') {
      if (isCompleted(facts.runsById.get(read.id))) problems.push(`${read.id} completed, and its record says ${said}`)
      continue
    }
    const finished = (facts.runsById.get(read.id) ?? []).filter((run) => run.value !== undefined)
    const last = finished.reduce<Run | undefined>(
      (best, run) => (best === undefined || run.attempt >= best.attempt ? run : best),
      undefined,
    )
    if (last === undefined) problems.push(`${read.id} was read as ${said}, and no run of it ended`)
    else if (last.value !== read.v)
      problems.push(`${read.id} was read as ${read.v}; its last run returned ${last.value}`)
    const expected = facts.expected.get(read.id)
    if (expected !== undefined && read.v !== expected)
      problems.push(`${read.id} was read as ${read.v}; its caller expects ${expected}`)
  }
  return problems
}

function lateReads(facts: Facts): string[] {
  // A timer is not exact on a loaded machine, so a wait may end this much after its deadline.
  const slackMs = 1_000
  return facts.reads.flatMap((read) => {
    if (read.state === 'NONE') return [`the wait for ${read.id} gave up after ${read.waitedMs} ms: ${read.v}`]
    const isLate = read.waitedMs > read.deadlineMs + slackMs
    return isLate ? [`the wait for ${read.id} took ${read.waitedMs} ms; it was given ${read.deadlineMs} ms`] : []
  })
}

function leftOvers(facts: Facts): string[] {
  const left = facts.drained
  if (left === undefined) return []
  const kinds = (['waiting', 'scheduled', 'claimed'] as const).filter((kind) => left[kind] > 0)
  return kinds.map((kind) => `${left[kind]} messages are still ${kind} after the drain`)
}

/** Between the first start and the last end. */
function longestQuiet(history: readonly HistoryEvent[]): number {
  const starts = history.find((event) => event.e === 'run.start')
  const ends = history.findLast((event) => event.e === 'run.end')
  if (starts === undefined || ends === undefined) return 0
  let longest = 0
  let last = starts.t
  for (const event of history) {
    if (event.t < starts.t || event.t > ends.t) continue
    if (event.e !== 'run.start' && event.e !== 'run.end' && event.e !== 'res.read') continue
    longest = Math.max(longest, event.t - last)
    last = event.t
  }
  return longest / 1000
}

interface Recovery {
  readonly id: string
  readonly ms: number
}

/** For each repeated run: how long after the fault it started. */
function recoveries(facts: Facts): Recovery[] {
  const found: Recovery[] = []
  for (const [id, runs] of facts.runsById) {
    for (const [again, first] of pairsOfSameRetry(runs)) {
      const fault = explains(first, again, facts)
      if (fault === undefined || first.released) continue
      const since = Math.max(fault.onAt, Math.min(fault.noticedAt, again.startedAt))
      found.push({ id, ms: (again.startedAt - since) / 1000 })
    }
  }
  return found
}

/** Why the run shows nothing, if so. */
function tameness(facts: Facts, bounds: HistoryBounds): string[] {
  const why: string[] = []
  if (facts.accepted.size === 0) why.push('inconclusive: nothing was accepted')
  if (facts.drained === undefined) why.push('inconclusive: nobody looked whether the queues were empty at the end')
  if (bounds.faults === 'expected' && !facts.faults.some((fault) => fault.inFlight > 0)) {
    why.push('inconclusive: no fault hit work in flight')
  }
  if (bounds.resultsRead !== false) {
    const read = new Set(facts.reads.filter((each) => each.state !== 'NONE').map((each) => each.id))
    const unread = [...facts.runsById].filter(([id, runs]) => isCompleted(runs) && !read.has(id)).length
    if (unread > unreadAllowed(facts, bounds)) why.push(`inconclusive: ${unread} results were never read`)
  }
  return why
}

function countAll(facts: Facts, recovery: readonly Recovery[]): Omit<HistoryCounts, 'longestQuietMs'> {
  const told = toldOfFailure(facts)
  let completed = 0
  let repeats = 0
  for (const runs of facts.runsById.values()) {
    if (isCompleted(runs)) completed++
    repeats += pairsOfSameRetry(runs).length
  }
  return {
    attempted: facts.attempted.size,
    resolved: facts.accepted.size,
    refused: facts.refused.size,
    unknown: [...facts.attempted].filter((id) => !facts.accepted.has(id) && !facts.refused.has(id)).length,
    runs: facts.runs.length,
    completed,
    lost: missingOf(facts).filter((id) => !told.has(id)).length,
    repeats,
    dead: facts.dead.size,
    toldFailures: [...toldOfFailure(facts)].filter((id) => !isCompleted(facts.runsById.get(id))).length,
    expired: facts.expired.size,
    faults: facts.faults.length,
    faultsInFlight: facts.faults.filter((fault) => fault.inFlight > 0).length,
    longestResumeMs: resumeTimes(facts).reduce((longest, ms) => Math.max(longest, ms), 0),
    longestRecoveryMs: recovery.reduce((longest, each) => Math.max(longest, each.ms), 0),
  }
}

function some(kind: string, found: readonly string[]): string[] {
  const shown = found.slice(0, shownOfEach).map((what) => `${kind}: ${what}`)
  return found.length > shownOfEach ? [...shown, `${kind}: and ${found.length - shownOfEach} more`] : shown
}
