import { type ChildProcess, spawn } from 'node:child_process'
import type { Report, Request } from './messages.ts'
import type { Command } from './systems/system.ts'

/** How long a process may take to do its part, and to end once it was told to. */
const answerWithinMs = 600_000
const endWithinMs = 20_000

/** Every process of a benchmark, so that none outlives it. */
export class Children {
  readonly #running = new Set<Child>()
  #isClosed = false

  /** @param env added to the command's own */
  start(command: Command, env: Readonly<Record<string, string>> = {}): Child {
    if (this.#isClosed) throw new Error('The benchmark is being ended.')
    const child = new Child(command, env)
    this.#running.add(child)
    void child.exited.then(() => this.#running.delete(child))
    return child
  }

  /** Starts it, waits for its only report of that kind and for its end. */
  async run<K extends Report['kind']>(
    command: Command,
    kind: K,
    env?: Readonly<Record<string, string>>,
  ): Promise<Extract<Report, { kind: K }>> {
    const child = this.start(command, env)
    const report = await child.reports(kind)
    await child.exited
    return report
  }

  /** Ends all that runs, at once, and starts no more. */
  async kill(): Promise<void> {
    this.#isClosed = true
    const left = [...this.#running]
    for (const child of left) child.kill()
    await Promise.all(left.map(({ exited }) => exited))
  }
}

/** One measured process. */
export class Child {
  readonly name: string
  readonly exited: Promise<void>
  readonly #process: ChildProcess
  readonly #reports: Report[] = []
  readonly #watchers = new Set<() => void>()
  #output = ''
  #ending: string | undefined

  constructor({ name, command, args, env }: Command, more: Readonly<Record<string, string>>) {
    this.name = name
    this.#process = spawn(command, args, {
      env: { ...process.env, ...env, ...more },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    })
    for (const stream of [this.#process.stdout, this.#process.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#output = `${this.#output}${text}`.slice(-10_000)
      })
    this.#process.on('message', (report) => {
      this.#reports.push(report as Report)
      this.#changed()
    })
    this.exited = new Promise((resolve) => {
      const end = (how: string): void => {
        this.#ending ??= how
        this.#changed()
        resolve()
      }
      this.#process.once('error', (error) => end(error.message))
      this.#process.once('close', (code, signal) => end(`exit code ${code}, signal ${signal}`))
    })
  }

  /** The first report of a kind. @throws when it ends without one */
  async reports<K extends Report['kind']>(kind: K): Promise<Extract<Report, { kind: K }>> {
    const isIt = (report: Report): report is Extract<Report, { kind: K }> => report.kind === kind
    return this.until(`report "${kind}"`, () => this.#reports.find(isIt))
  }

  /** The latest report of a kind, if there is one. */
  latest<K extends Report['kind']>(kind: K): Extract<Report, { kind: K }> | undefined {
    return this.#reports.findLast((report): report is Extract<Report, { kind: K }> => report.kind === kind)
  }

  /** Waits for something that only reports can change. */
  async until<T>(what: string, find: () => T | undefined): Promise<T> {
    let timer: NodeJS.Timeout | undefined
    let look = (): void => {}
    try {
      return await new Promise<T>((resolve, reject) => {
        const fail = (why: string): void =>
          reject(new Error(`${this.name} gave no ${what}: ${why}.\n${this.#output}`.trimEnd()))
        look = () => {
          const found = find()
          if (found !== undefined) resolve(found)
          else if (this.#ending !== undefined) fail(this.#ending)
        }
        timer = setTimeout(() => fail(`waited ${answerWithinMs / 1000} s`), answerWithinMs)
        this.#watchers.add(look)
        look()
      })
    } finally {
      clearTimeout(timer)
      this.#watchers.delete(look)
    }
  }

  /** @throws when it has ended */
  refuseEnded(): void {
    if (this.#ending !== undefined) throw new Error(`${this.name} ended early: ${this.#ending}.\n${this.#output}`)
  }

  ask(request: Request): void {
    this.#process.send(request)
  }

  /** Tells it to end and waits. @throws when it ends with an error */
  async stop(): Promise<void> {
    this.#process.kill('SIGTERM')
    const timer = setTimeout(() => this.kill(), endWithinMs)
    await this.exited
    clearTimeout(timer)
    if (this.#process.exitCode !== 0 && this.#process.signalCode !== 'SIGTERM')
      throw new Error(`${this.name} did not end well: ${this.#ending}.\n${this.#output}`)
  }

  kill(): void {
    this.#process.kill('SIGKILL')
  }

  #changed(): void {
    for (const look of this.#watchers) look()
  }
}
