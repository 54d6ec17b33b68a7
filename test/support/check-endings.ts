import type { Facts } from './history-facts.ts'

/** INV-W: what a task's completion sends starts after it, and never without it. That it is not lost is INV-L. */
export function followUpFaults(facts: Facts): string[] {
  return [...facts.after].flatMap(([id, other]) => {
    const started = facts.runsById.get(id)?.[0]
    if (started === undefined) return []
    const ends = (facts.runsById.get(other) ?? []).filter((run) => run.value !== undefined).map((run) => run.endedAt!)
    if (ends.length === 0) return [`${id} started, and ${other}, which sends it, never completed`]
    return started.startedAt < Math.min(...ends) ? [`${id} started before ${other}, which sends it, had completed`] : []
  })
}

/** INV-Q: what is bad is set aside once, with a reason, and is nothing else; its neighbours are not set aside. */
export function deadLetterFaults(facts: Facts, bad: ReadonlySet<string> | undefined): string[] {
  const problems: string[] = []
  for (const [id, reasons] of facts.dead) {
    if (reasons.length > 1) problems.push(`${id} is among the dead letters ${reasons.length} times`)
    if (reasons.includes('')) problems.push(`${id} is a dead letter without a reason`)
    if (facts.runsById.get(id)?.some((run) => run.value !== undefined) === true)
      problems.push(`${id} completed, and is a dead letter as well`)
    if (bad !== undefined && !bad.has(id)) problems.push(`${id} is a good one, and a dead letter: ${reasons[0]}`)
  }
  for (const id of bad ?? []) if (!facts.dead.has(id)) problems.push(`${id} is a bad one, and no dead letter`)
  return problems
}

/** INV-P: a process ends because of a fault or because it was told to, and handles its own errors. */
export function processFaults(facts: Facts): string[] {
  return facts.ended.flatMap(({ victim, code, signal, stray = [] }) => {
    const problems = stray.map((text) => `process ${victim} did not handle an error of its own: ${text}`)
    const isExplained = code === 0 || facts.faults.some((fault) => fault.victim === victim)
    return isExplained
      ? problems
      : [...problems, `process ${victim} ended by itself, with ${signal ?? `exit code ${code}`}`]
  })
}

/** INV-K: nothing is left that nobody needs any more. */
export function leftBehind(facts: Facts): readonly string[] {
  return facts.drained?.extras ?? []
}

/** INV-T: for each end of a fault, how long it took until something completed, ms. One after which nothing was left to do has none. */
export function resumeTimes(facts: Facts): number[] {
  const ends = facts.runs.flatMap((run) => (run.value === undefined ? [] : [run.endedAt!])).sort((a, b) => a - b)
  return facts.overAt.flatMap((t) => {
    const first = ends.find((end) => end > t)
    return first === undefined ? [] : [(first - t) / 1_000]
  })
}
