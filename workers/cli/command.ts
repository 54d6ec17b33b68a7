import type { LoadedApp } from './load-app.ts'
import type { Output } from './output.ts'

/** One command of `umbel`, as data: help, the reference page and the parser are made from it. */
export interface Command {
  readonly name: string
  /** One sentence. */
  readonly summary: string
  readonly arguments?: readonly CommandArgument[] | undefined
  readonly options?: readonly CommandOption[] | undefined
  /** Whole command lines, the plainest first. */
  readonly examples: readonly CommandExample[]
  /** Commands below this one: `dead list`. */
  readonly subcommands?: readonly Command[] | undefined
  /** It stops by itself on Ctrl-C, and on TERM, in a way of its own. */
  readonly handlesSignals?: boolean | undefined
  /**
   * What it does; absent when only its subcommands do anything. The app it asks for is closed afterwards.
   * @returns the exit code; 0 when nothing is returned
   */
  run?(call: CommandCall): Promise<number | undefined>
}

export interface CommandArgument {
  /** `<name>`, `[id]` or `[ids...]`. */
  readonly name: string
  readonly says: string
}

export interface CommandOption {
  /** `-a, --args <json>`. */
  readonly flags: string
  readonly says: string
  /** What the option is when it is left out, as text. */
  readonly default?: string | undefined
}

export interface CommandExample {
  readonly line: string
  readonly says: string
}

/** One invocation, as a command sees it. */
export interface CommandCall {
  /** In the order of the command's arguments; a `...` one is a list. */
  readonly args: readonly (string | readonly string[] | undefined)[]
  /** By camelCase name. A flag is true; an option with a `[value]` that was left out is true as well. */
  readonly options: Readonly<Record<string, string | boolean | undefined>>
  readonly out: Output
  /** Aborted by the first Ctrl-C. */
  readonly signal: AbortSignal
  /** `-A`, as it was given. */
  readonly appPath: string | undefined
  /** The app of `-A`, else one from the environment alone, which knows no tasks. Loaded on first use, closed when the command has run. */
  load(): Promise<LoadedApp>
}

/** The command line is wrong: exit code 2. The message says how it would be right. */
export class UsageError extends Error {}

/** Options that every command takes. */
export const globalOptions: readonly CommandOption[] = [
  {
    flags: '-A, --app <module>',
    says: 'module that holds the app: its default export, its `app`, or its only app; without it, an app from UMBEL_* variables',
  },
  { flags: '-b, --broker <url>', says: 'broker, over UMBEL_BROKER and the app: sqlite:///path/file.db' },
  { flags: '--result-backend <url>', says: 'result backend, over UMBEL_RESULT_BACKEND and the app' },
  { flags: '--json', says: 'answer with JSON, one value on standard output' },
  { flags: '--no-color', says: 'no colours; also NO_COLOR, and always where the output is no terminal' },
  { flags: '--quiet', says: 'only what was asked for and errors' },
]

/** `--routing-key <key>` → `routingKey`. */
export function optionName({ flags }: CommandOption): string {
  const long = /--(?:no-)?([a-z-]+)/.exec(flags)![1]!
  return long.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())
}

/** A comma-separated option as a list; undefined when it was not given. */
export function listOption(value: string | boolean | undefined): string[] | undefined {
  if (typeof value !== 'string') return undefined
  return value
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')
}

/** An option's text; undefined when it was not given. */
export function textOption(value: string | boolean | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined
}

/** A whole number. @throws {UsageError} */
export function wholeOption(
  value: string | boolean | undefined,
  flag: string,
  bounds: { min: number; max: number },
): number | undefined {
  const given = textOption(value)
  if (given === undefined) return undefined
  const number = Number(given)
  if (/^\d+$/.test(given) && number >= bounds.min && number <= bounds.max) return number
  throw new UsageError(
    `${flag} must be a whole number from ${bounds.min} to ${bounds.max}, not "${given.slice(0, 40)}".`,
  )
}
