import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { within } from './until.ts'

/** The project's folder, without a slash at the end. */
export const projectRoot = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '')

/** How a process ended. */
export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface StartOptions {
  /** How errors name it. @default the command */
  readonly name?: string
  readonly cwd?: string
  /** Added to this process's environment; undefined removes a variable. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Starts a process group of its own, so that a signal can be sent to all of it. */
  readonly ownGroup?: boolean
  /** What is really started to run it: under limits, in another namespace. It must become the process (exec), not stay its parent. */
  readonly wrap?: ((command: string, args: readonly string[]) => [command: string, args: readonly string[]]) | undefined
  /** Written to its standard input, which is then closed. */
  readonly input?: string
}

/** A process of this test, by its pid, with everything it has printed. */
export class StartedProcess {
  readonly name: string
  readonly pid: number
  /** When it was started, on `performance.now()`. */
  readonly startedAt = performance.now()
  readonly exited: Promise<Exit>
  stdout = ''
  stderr = ''
  #exit: Exit | undefined
  #watchers = new Set<() => void>()

  constructor(child: ChildProcess, name: string) {
    this.name = name
    this.pid = child.pid ?? -1
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text
      this.#changed()
    })
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text
      this.#changed()
    })
    this.exited = new Promise((resolve, reject) => {
      child.once('error', reject)
      // `close`, not `exit`: by then everything it printed has been read.
      child.once('close', (code, signal) => {
        this.#exit = { code, signal }
        this.#changed()
        resolve(this.#exit)
      })
    })
    this.exited.catch(() => this.#changed())
  }

  /** Standard output and error, one after the other. */
  get output(): string {
    return `${this.stdout}${this.stderr}`
  }

  get isRunning(): boolean {
    return this.#exit === undefined
  }

  /** Resolves when its output holds the text or matches; throws with the output when it ends, or the deadline passes, before. */
  async prints(pattern: string | RegExp, options: { withinMs?: number } = {}): Promise<string> {
    const find = (): string | undefined =>
      typeof pattern === 'string'
        ? this.output.includes(pattern)
          ? pattern
          : undefined
        : this.output.match(pattern)?.[0]
    const found = new Promise<string>((resolve, reject) => {
      const look = (): void => {
        const text = find()
        if (text !== undefined) resolve(text)
        else if (!this.isRunning)
          reject(new Error(`${this.name} ended without printing ${pattern}.\n${this.#ending()}`))
        else return
        this.#watchers.delete(look)
      }
      this.#watchers.add(look)
      look()
    })
    try {
      return await within(options.withinMs ?? 20_000, `${this.name} to print ${pattern}`, found)
    } catch (error) {
      throw error instanceof Error && error.message.includes('in vain')
        ? new Error(`${error.message}\n${this.#ending()}`)
        : error
    }
  }

  /** Resolves with how it ended. */
  async ends(options: { withinMs?: number } = {}): Promise<Exit> {
    try {
      return await within(options.withinMs ?? 20_000, `${this.name} to end`, this.exited)
    } catch (error) {
      throw new Error(`${(error as Error).message}\n${this.#ending()}`)
    }
  }

  /** As {@link ends}, and throws with its output unless the exit code is 0. */
  async succeeds(options: { withinMs?: number } = {}): Promise<StartedProcess> {
    const { code } = await this.ends(options)
    if (code !== 0) throw new Error(`${this.name} should have succeeded.\n${this.#ending()}`)
    return this
  }

  /** Sends a signal; false when the process is gone already. */
  signal(signal: NodeJS.Signals): boolean {
    return this.isRunning && sendSignal(this.pid, signal)
  }

  /** Sends a signal to its whole process group; needs `ownGroup`. */
  signalGroup(signal: NodeJS.Signals): boolean {
    return sendSignal(-this.pid, signal)
  }

  /** Sends a signal and waits for the end. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<Exit> {
    this.signal(signal)
    return await this.ends()
  }

  #ending(): string {
    const state =
      this.#exit === undefined ? 'still running' : `exit code ${this.#exit.code}, signal ${this.#exit.signal}`
    return `${this.name} (pid ${this.pid}): ${state}\n--- stdout\n${this.stdout}\n--- stderr\n${this.stderr}`
  }

  #changed(): void {
    for (const look of this.#watchers) look()
  }
}

/** Starts processes for one suite and ends whatever is still there after each test. */
export interface Processes {
  start(command: string, args: readonly string[], options?: StartOptions): StartedProcess
  /** A script under this Node; a `.ts` file goes through the project's tsx. */
  node(script: string, args?: readonly string[], options?: StartOptions): StartedProcess
  /** The built command line: `umbel …`. @throws when dist/ was not built */
  umbel(args: readonly string[], options?: StartOptions): StartedProcess
  /** Kills all that is left, by pid, and waits. */
  stopAll(): Promise<void>
}

/** For one suite: call in the body of a `describe`. */
export function useProcesses(options: { keepFor?: 'test' | 'suite' } = {}): Processes {
  const processes = makeProcesses()
  if (options.keepFor === 'suite') after(() => processes.stopAll())
  else afterEach(() => processes.stopAll())
  return processes
}

/** As {@link useProcesses}, for scripts outside Mocha: the caller calls `stopAll`. */
export function makeProcesses(): Processes {
  const started: { process: StartedProcess; ownGroup: boolean }[] = []
  const start: Processes['start'] = (command, args, options = {}) => {
    const env: NodeJS.ProcessEnv = { ...process.env, NO_COLOR: '1', ...options.env }
    for (const [name, value] of Object.entries(env)) if (value === undefined) delete env[name]
    const [program, words] = options.wrap?.(command, args) ?? [command, args]
    const child = spawn(program, words, {
      cwd: options.cwd,
      env,
      detached: options.ownGroup === true,
      stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    })
    if (options.input !== undefined) child.stdin?.end(options.input)
    const one = new StartedProcess(child, options.name ?? [command, ...args].join(' '))
    started.push({ process: one, ownGroup: options.ownGroup === true })
    return one
  }
  const node: Processes['node'] = (script, args = [], options) =>
    start(process.execPath, [...(script.endsWith('.ts') ? ['--import', tsxLoader()] : []), script, ...args], {
      name: [script, ...args].join(' '),
      ...options,
    })
  return {
    start,
    node,
    umbel: (args, options) => node(builtCommand(), args, { name: `umbel ${args.join(' ')}`, ...options }),
    async stopAll() {
      const all = started.splice(0)
      for (const { process: one, ownGroup } of all) {
        if (ownGroup) one.signalGroup('SIGKILL')
        one.signal('SIGKILL')
      }
      await Promise.allSettled(all.map(({ process: one }) => one.exited))
    },
  }
}

/** The loader that lets Node run TypeScript, as an absolute URL, so that any folder can use it. */
export function tsxLoader(): string {
  // Not import.meta.resolve: tsx leaves it out where Mocha loads a test by require().
  return pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href
}

/** The built command. */
export function builtCommand(): string {
  const command = join(projectRoot, 'dist/workers/cli/main.js')
  if (!existsSync(command)) throw new Error(`${command} is missing. Run "npm run build" first; "npm test" does.`)
  return command
}

function sendSignal(pid: number, signal: NodeJS.Signals): boolean {
  // 0, 1 and -1 mean other things than one process or one group: a process that never started has no pid to signal.
  if (Math.abs(pid) <= 1) return false
  try {
    return process.kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
    throw error
  }
}
