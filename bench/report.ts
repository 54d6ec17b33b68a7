import { type FigureName, type Figures, figureTitles, formatFigure } from './figures.ts'
import type { Machine } from './machine.ts'
import { median, medianRatio } from './statistics.ts'
import { markdownTable } from './table.ts'

/** What one row gave for one system, round by round. */
export interface Measured {
  readonly row: string
  readonly title: string
  readonly system: string
  readonly figures: readonly FigureName[]
  readonly target: number | undefined
  readonly rounds: readonly Figures[]
}

/** From here on a busy machine is told of. */
const quietLoad = 0.5

/**
 * Medians of all rounds, a table for each set of figures. The ratio is that of the row's first system to this one, the median of the
 * rounds' own ratios.
 */
export function tables(all: readonly Measured[]): string {
  const sets = [...new Set(all.map(({ figures }) => figures.join()))]
  return sets
    .map((set) => {
      const some = all.filter(({ figures }) => figures.join() === set)
      return tableOf(some, some[0]!.figures)
    })
    .join('\n\n')
}

function tableOf(all: readonly Measured[], figures: readonly FigureName[]): string {
  const compares = new Set(all.map(({ system }) => system)).size > 1
  const hasTarget = all.some(({ target }) => target !== undefined)
  const first = figures[0]!
  const head = [
    'row',
    'system',
    figureTitles[first],
    ...(hasTarget ? ['to reach'] : []),
    ...(compares ? [`${all[0]!.system} / it`] : []),
    ...figures.slice(1).map((name) => figureTitles[name]),
  ]
  const rows = all.map((one) => {
    const { row, system, target } = one
    const base = all.find((other) => other.row === row)!
    return [
      row,
      system,
      formatFigure(medianOf(one, first)),
      ...(hasTarget ? [formatFigure(target)] : []),
      ...(compares ? [base === one ? '' : ratio(base, one, first)] : []),
      ...figures.slice(1).map((name) => formatFigure(medianOf(one, name))),
    ]
  })
  return markdownTable(head, rows, 2)
}

/** An entry of `docs/benchmarks.md`. @param day ISO date */
export function entry(
  all: readonly Measured[],
  facts: { suite: string; day: string; machine: Machine; rounds: number; n: number },
): string {
  const { suite, day, machine, rounds, n } = facts
  const { cpu, cores, memoryGb, node, sqlite, platform, commit, load } = machine
  const busy =
    load > quietLoad
      ? ` **The machine was not idle (load ${load.toFixed(2)}), so times by the clock are provisional.**`
      : ''
  return [
    `### ${day}, ${suite}, commit ${commit}`,
    '',
    `${cpu}, ${cores} cores, ${memoryGb} GB, ${platform}; Node ${node}, SQLite by ${sqlite}. ` +
      `${n.toLocaleString('en-US')} tasks a row, medians of ${rounds} rounds; load at the start ${load.toFixed(2)}.${busy}`,
    '',
    tables(all),
    '',
  ].join('\n')
}

function medianOf({ rounds }: Measured, name: FigureName): number | undefined {
  const values = rounds.flatMap((figures) => figures[name] ?? [])
  return values.length === 0 ? undefined : median(values)
}

function ratio(base: Measured, one: Measured, name: FigureName): string {
  const value = medianRatio(
    base.rounds.map((figures) => figures[name]),
    one.rounds.map((figures) => figures[name]),
  )
  return value === undefined ? '' : value.toFixed(2)
}
