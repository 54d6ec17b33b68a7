import type { Children } from '../children.ts'
import type { FigureName, Figures } from '../figures.ts'
import type { OpenSystem, RowName } from '../systems/system.ts'

/** One line of work, the same for every system. */
export interface Row {
  readonly name: RowName
  readonly title: string
  /** What it gives, in order; the first is what systems are compared by. */
  readonly figures: readonly FigureName[]
  /** Of the first figure. */
  readonly target?: number
  run(context: RowContext): Promise<Figures>
}

/** What one run of one row has at hand. */
export interface RowContext {
  readonly system: OpenSystem
  readonly children: Children
  readonly folder: string
  /** Tasks to be run. */
  readonly n: number
  /** Messages that wait, or are parked, in the rows about large stores. */
  readonly backlog: number
  /** Environment of a process that is to be profiled where profiles are asked for. */
  profiled(role: string): Readonly<Record<string, string>>
}
