import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { join } from 'node:path'
import { isProgram } from './debian-packages.ts'
import { until, within } from './until.ts'

export interface RedisProcessOptions {
  /** Made before, removed by {@link RedisProcess.stop}. */
  readonly folder: string
  /** @default a free one */
  readonly port?: number | undefined
  /** Options of the server: `{ appendonly: 'yes', maxmemory: '10mb' }`. */
  readonly config?: Readonly<Record<string, string>> | undefined
  /** A configuration file in the folder instead, which the server may rewrite: Sentinel. */
  readonly sentinelFile?: string | undefined
}

/** A redis-server of this test run on a loopback port, by its pid. Dies with this process, however that ends, where `setpriv` is there. */
export class RedisProcess {
  readonly port: number
  readonly folder: string
  readonly #options: RedisProcessOptions
  #child: ChildProcess | undefined
  #closed: Promise<void> = Promise.resolve()

  /** Resolves when it answers. */
  static async start(options: RedisProcessOptions): Promise<RedisProcess> {
    const redis = new RedisProcess(options, options.port ?? (await freePort()))
    await redis.start()
    return redis
  }

  private constructor(options: RedisProcessOptions, port: number) {
    this.#options = options
    this.port = port
    this.folder = options.folder
  }

  get pid(): number {
    return this.#child?.pid ?? -1
  }

  url(db = 0): string {
    return `redis://127.0.0.1:${this.port}/${db}`
  }

  /** Starts it, again on the same port and data. Resolves when it answers. */
  async start(options: { config?: Readonly<Record<string, string>> } = {}): Promise<void> {
    this.launch(options)
    await until(() => this.#child?.exitCode !== null || this.answers(), {
      what: `redis-server on port ${this.port}`,
      seen: () => this.log,
    })
    if (this.#child?.exitCode !== null) throw new Error(`redis-server ended at once.\n${this.log}`)
  }

  /** As {@link start}, without waiting. */
  launch(options: { config?: Readonly<Record<string, string>> } = {}): void {
    const { config, sentinelFile, folder } = this.#options
    const all = {
      port: String(this.port),
      bind: '127.0.0.1',
      dir: folder,
      save: '',
      logfile: join(folder, 'log'),
      ...config,
      ...options.config,
    }
    const args =
      sentinelFile === undefined
        ? Object.entries(all).flatMap(([name, value]) => [`--${name}`, value])
        : [join(folder, sentinelFile), '--sentinel']
    const wrap = hasSetpriv() ? ['setpriv', '--pdeathsig', 'KILL'] : []
    const [program, ...rest] = [...wrap, 'redis-server', ...args]
    const child = spawn(program!, rest, { stdio: 'ignore', cwd: folder })
    this.#child = child
    this.#closed = new Promise((resolve) => child.once('close', () => resolve()))
    // What is started for the whole run must not keep it from ending.
    child.unref()
  }

  /** Sends a signal and waits for the end; the data stay. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    if (this.#child === undefined || this.#child.exitCode !== null || this.#child.signalCode !== null) return
    this.#child.ref()
    this.#child.kill(signal)
    // Frozen, it would not notice a signal that can be handled; and it must do nothing more before one that can't.
    this.#child.kill('SIGCONT')
    await within(10_000, `redis-server ${this.pid} to end`, this.#closed)
  }

  async restart(options: { signal?: NodeJS.Signals; config?: Readonly<Record<string, string>> } = {}): Promise<void> {
    await this.kill(options.signal)
    await this.start(options.config === undefined ? {} : { config: options.config })
  }

  /** Stands still, with its sockets open, until {@link thaw}. */
  freeze(): void {
    this.#child?.kill('SIGSTOP')
  }

  thaw(): void {
    this.#child?.kill('SIGCONT')
  }

  /** Ends it and removes its folder. */
  async stop(): Promise<void> {
    await this.kill()
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 3 })
  }

  /** At the end of this process, when nothing can be awaited any more. */
  stopNow(): void {
    this.#child?.kill('SIGKILL')
  }

  /** Runs one command as a client of its own, which knows nothing of what is under test. Throws what the server refuses. */
  async run(...words: readonly string[]): Promise<string> {
    return await converse(this.port, words, this.#options.config?.['requirepass'])
  }

  /** What it logged last. */
  get log(): string {
    try {
      return readFileSync(join(this.folder, 'log'), 'utf8').split('\n').slice(-20).join('\n')
    } catch {
      return '(no log)'
    }
  }

  /** True when it replies to PING. */
  async answers(): Promise<boolean> {
    try {
      return (await converse(this.port, ['PING'])) === 'PONG'
    } catch (error) {
      return /NOAUTH/.test((error as Error).message)
    }
  }
}

let setpriv: boolean | undefined
function hasSetpriv(): boolean {
  setpriv ??= isProgram('setpriv')
  return setpriv
}

/** A port of loopback on which nobody listens now. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  await new Promise<void>((resolve) => server.close(() => resolve()))
  return port
}

/** One command on a connection of its own; simple, bulk and number replies as text, lists as the server wrote them, errors thrown. */
function converse(port: number, words: readonly string[], password?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' })
    let text = ''
    socket.setEncoding('utf8')
    socket.setTimeout(5_000, () => socket.destroy(new Error(`No reply to ${words[0]} in 5 s.`)))
    socket.on('error', reject)
    socket.on('close', () => reject(new Error('The server closed the connection.')))
    socket.on('data', (chunk: string) => {
      text += chunk
      if (password !== undefined && text.startsWith('+OK\r\n')) {
        text = text.slice(5)
        password = undefined
      }
      const reply = password === undefined || text.startsWith('-') ? readReply(text) : undefined
      if (reply === undefined) return
      if (reply.startsWith('-') && text.startsWith('-')) reject(new Error(`${words.join(' ')}: ${reply.slice(1)}`))
      else resolve(reply)
      socket.destroy()
    })
    socket.write((password === undefined ? '' : written(['AUTH', password])) + written(words))
  })
}

function written(words: readonly string[]): string {
  return `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`
}

function readReply(text: string): string | undefined {
  if (!text.endsWith('\r\n')) return undefined
  const [first = ''] = text.split('\r\n', 1)
  const rest = text.slice(first.length + 2)
  switch (first[0]) {
    case '+':
    case ':':
      return first.slice(1)
    case '-':
      return first
    case '$':
      if (first === '$-1') return ''
      return Buffer.byteLength(rest) === Number(first.slice(1)) + 2 ? rest.slice(0, -2) : undefined
    default:
      return text
  }
}
