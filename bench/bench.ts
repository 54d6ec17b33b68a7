import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BenchOptions } from './arguments.ts'
import { Children } from './children.ts'
import { type Figures, figureTitles, formatFigure } from './figures.ts'
import { buildPrograms } from './programs.ts'
import type { Measured } from './report.ts'
import type { Row } from './rows/row.ts'
import { rows } from './rows/rows.ts'
import { suites } from './suites.ts'
import type { OpenSystem, System } from './systems/system.ts'

export interface BenchParts {
  /** Folder for profiles; undefined makes none. */
  readonly profiles: string | undefined
  readonly say: (line: string) => void
}

/** One call of the benchmark: its temporary folder and its processes, and what it measures. */
export class Bench implements AsyncDisposable {
  readonly #folder = mkdtempSync(join(realpathSync(tmpdir()), 'umbel-bench-'))
  readonly #children = new Children()
  readonly #parts: BenchParts
  readonly #measured = new Map<string, Measured & { rounds: Figures[] }>()

  constructor(parts: BenchParts) {
    this.#parts = parts
    if (parts.profiles !== undefined) mkdirSync(parts.profiles, { recursive: true })
  }

  /** The systems take turns, row by row, round by round. @throws when a task did not run, or not as it should */
  async measure(options: BenchOptions): Promise<Measured[]> {
    const programs = join(this.#folder, 'programs')
    const program = await buildPrograms(programs)
    const wanted = rows.filter(({ name }) => options.only.length === 0 || options.only.includes(name))
    const systems = suites[options.suite]!.slice(0, options.isProfiled ? 1 : undefined)
    for (let round = 1; round <= options.rounds; round++) {
      for (const row of wanted) {
        for (const system of systems) {
          if (!system.rows.includes(row.name)) continue
          const label = `round ${round}/${options.rounds}  ${row.name.padEnd(13)}${system.name.padEnd(13)}`
          const figures = await this.#runRow(row, system, { options, program, label })
          const measured = this.#measuredOf(row, system, system === systems[0] ? row.target : undefined)
          measured.rounds.push(figures)
          this.#parts.say(`${label}${inWords(figures)}`)
        }
      }
    }
    return [...this.#measured.values()]
  }

  /** Ends every process and removes every file. May be called while it measures. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#children.kill()
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 })
  }

  async #runRow(
    row: Row,
    system: System,
    { options, program, label }: { options: BenchOptions; program: (name: string) => string; label: string },
  ): Promise<Figures> {
    const folder = mkdtempSync(join(this.#folder, `${row.name}-`))
    let open: OpenSystem | undefined
    try {
      open = await system.open({ folder, program })
      return await row.run({
        system: open,
        children: this.#children,
        folder,
        n: options.n,
        backlog: options.backlog,
        profiled: (role) => this.#profiled(`${row.name}.${system.name}.${role}`),
      })
    } catch (error) {
      throw new Error(`${label.trim()}: ${(error as Error).message}`, { cause: error })
    } finally {
      await open?.close()
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
    }
  }

  #profiled(name: string): Record<string, string> {
    const { profiles } = this.#parts
    return profiles === undefined ? {} : { BENCH_PROFILE: join(profiles, `${name}.cpuprofile`) }
  }

  #measuredOf(
    { name, title, figures }: Row,
    system: System,
    target: number | undefined,
  ): Measured & { rounds: Figures[] } {
    const key = `${name} ${system.name}`
    let measured = this.#measured.get(key)
    if (measured === undefined) {
      measured = { row: name, title, system: system.name, figures, target, rounds: [] }
      this.#measured.set(key, measured)
    }
    return measured
  }
}

function inWords(figures: Figures): string {
  return Object.entries(figures)
    .map(([name, value]) => `${formatFigure(value)} ${figureTitles[name as keyof Figures]}`)
    .join(', ')
}
