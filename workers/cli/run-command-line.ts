import { CommanderError, Option, Command as Parser } from 'commander'
import { isUrlProblem, readAdapterUrl } from '../../lib/app/adapter-url.ts'
import { UmbelError } from '../../lib/base/errors.ts'
import { type Command, type CommandOption, globalOptions, UsageError } from './command.ts'
import type { LoadedApp } from './load-app.ts'
import { Output } from './output.ts'
import { packageVersion } from './version.ts'

/** Exit codes. */
const failure = 1
const usage = 2

/**
 * Parses a command line and runs the command it names.
 * @param argv without node and script
 * @returns exit code: 0, 1 failure, 2 usage
 */
export async function runCommandLine(argv: readonly string[], commands: readonly Command[]): Promise<number> {
  // `umbel queues | head` closes the pipe while we write: that is an end, not a failure.
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') process.exit(0)
      throw error
    })
  const run: { code: number } = { code: 0 }
  const parser = parserOf(commands, async (command, args, options) => {
    run.code = await runCommand(command, args, options)
  })
  if (argv.length === 0) {
    parser.outputHelp()
    return usage
  }
  try {
    await parser.parseAsync([...argv], { from: 'user' })
    return run.code
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    // Commander has written its message, or the help or version that was asked for.
    return error.exitCode === 0 ? 0 : usage
  }
}

type Options = Readonly<Record<string, string | boolean | undefined>>
type Run = (command: Command, args: (string | string[] | undefined)[], options: Options) => Promise<void>

function parserOf(commands: readonly Command[], run: Run): Parser {
  const parser = new Parser('umbel')
  parser
    .description('A task queue for TypeScript that speaks Celery.')
    .version(packageVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show this help')
    .addHelpText('after', '\nEvery command has a help of its own with examples: umbel call --help')
    .exitOverride()
    .configureHelp({ showGlobalOptions: true })
  for (const option of globalOptions) parser.addOption(optionOf(option))
  for (const command of commands) addCommand(parser, command, run)
  return parser
}

function addCommand(parent: Parser, command: Command, run: Run): void {
  const parser = parent.command(command.name)
  const nested = command.subcommands ?? []
  parser
    .description(command.summary)
    .helpOption('-h, --help', 'show this help')
    .addHelpText(
      'after',
      `\nExamples:\n${command.examples.map(({ line, says }) => `  $ ${line}\n      ${says}`).join('\n')}`,
    )
    .showHelpAfterError(`(${fullName(parser)} --help shows how it is used)`)
    .configureHelp({ showGlobalOptions: true })
  for (const { name, says } of command.arguments ?? []) parser.argument(name, says)
  for (const option of command.options ?? []) parser.addOption(optionOf(option))
  for (const subcommand of nested) addCommand(parser, subcommand, run)
  const own = command.run
  if (own === undefined) return
  parser.action((...given: unknown[]) => {
    // Commander hands over the arguments, then the options, then itself.
    const args = given.slice(0, -2) as (string | string[] | undefined)[]
    return run(command, args, parser.optsWithGlobals() as Options)
  })
}

function fullName(parser: Parser): string {
  return parser.parent === null ? parser.name() : `${fullName(parser.parent)} ${parser.name()}`
}

function optionOf({ flags, says, default: byDefault }: CommandOption): Option {
  const option = new Option(flags, byDefault === undefined ? says : `${says} (default: ${byDefault})`)
  return option
}

async function runCommand(
  command: Command,
  args: (string | string[] | undefined)[],
  options: Options,
): Promise<number> {
  const out = new Output({
    json: options['json'] === true,
    quiet: options['quiet'] === true,
    colour: options['color'] !== false,
  })
  const interrupt = new AbortController()
  const onSignal = (): void => {
    // The second time it is meant: whatever is being tidied up is left.
    if (interrupt.signal.aborted) process.exit(failure)
    interrupt.abort(new Interrupted())
  }
  if (command.handlesSignals !== true) for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, onSignal)
  const loaded = new LazyApp(options, out)
  try {
    applyUrls(options)
    const code = await command.run!({
      args,
      options,
      out,
      signal: interrupt.signal,
      appPath: typeof options['app'] === 'string' ? options['app'] : undefined,
      load: () => loaded.get(),
    })
    return code ?? 0
  } catch (error) {
    return reportError(error, out)
  } finally {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, onSignal)
    await loaded.close()
  }
}

class Interrupted extends Error {
  constructor() {
    super('Interrupted.')
  }
}

function reportError(error: unknown, out: Output): number {
  if (error instanceof Interrupted) {
    out.note('Interrupted.')
    return failure
  }
  if (error instanceof UsageError) {
    out.error(error.message, 'USAGE')
    return usage
  }
  // By its code, since an error of the project's own copy of the package is of another class.
  const code = (error as { code?: unknown } | null)?.code
  if (
    error instanceof UmbelError ||
    (error instanceof Error && typeof code === 'string' && code.startsWith('UMBEL_'))
  ) {
    out.error(error.message, String(code))
    return failure
  }
  out.error(error instanceof Error ? (error.stack ?? error.message) : String(error))
  return failure
}

/**
 * Puts the URLs of the command line over UMBEL_*, which stand over the code: so they hold for the app that a module makes while it loads,
 * and for processes that the command starts.
 */
function applyUrls(options: Options): void {
  for (const [option, flag, use, variable, alias] of [
    ['broker', '--broker', 'broker', 'UMBEL_BROKER_URL', 'UMBEL_BROKER'],
    ['resultBackend', '--result-backend', 'result backend', 'UMBEL_RESULT_BACKEND', 'UMBEL_BACKEND'],
  ] as const) {
    const url = options[option]
    if (typeof url !== 'string') continue
    const read = readAdapterUrl(url, use)
    if (isUrlProblem(read)) throw new UsageError(`${flag}: ${read.text}`)
    delete process.env[alias]
    process.env[variable] = url
  }
}

/** The app that a command asks for, made once. */
class LazyApp {
  readonly #options: Options
  readonly #out: Output
  #loading: Promise<LoadedApp> | undefined

  constructor(options: Options, out: Output) {
    this.#options = options
    this.#out = out
  }

  get(): Promise<LoadedApp> {
    this.#loading ??= this.#load()
    return this.#loading
  }

  async close(): Promise<void> {
    const loaded = await this.#loading?.catch(() => undefined) // it was reported when it failed
    await loaded?.app.close().catch((error: unknown) => this.#out.error(`Could not close the app: ${String(error)}`))
  }

  async #load(): Promise<LoadedApp> {
    // Imported here, so that help and usage errors cost nothing.
    const { loadApp, environmentApp } = await import('./load-app.ts')
    const path = this.#options['app']
    return typeof path === 'string' ? loadApp(path) : environmentApp()
  }
}
