import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { systemClock } from '../../../lib/base/clock.ts'
import { WorkerLostError } from '../../../lib/base/errors.ts'

// The same file is .ts from source and .js from the package.
const extension = extname(fileURLToPath(import.meta.url))
const mainPath = fileURLToPath(new URL(`../main${extension}`, import.meta.url))
const appPath = fileURLToPath(new URL(`./demo-app${extension}`, import.meta.url))

/** The worker processes of the demo: started, one killed on request, all stopped by their process ids. */
export class DemoWorkers {
  readonly #brokerUrl: string
  readonly #running = new Set<ChildProcess>()
  readonly #onLost: (error: WorkerLostError) => void

  /** @param onLost told when a worker ends that nobody stopped */
  constructor(brokerUrl: string, onLost: (error: WorkerLostError) => void) {
    this.#brokerUrl = brokerUrl
    this.#onLost = onLost
  }

  start(): void {
    const options = ['-A', appPath, '-b', this.#brokerUrl, '--quiet', 'worker', '-c', '16', '-l', 'error']
    const child = spawn(process.execPath, [...process.execArgv, mainPath, ...options], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    this.#running.add(child)
    let lastWords = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      lastWords = (lastWords + text).slice(-2000)
    })
    child.once('close', (code, signal) => {
      if (!this.#running.delete(child)) return
      this.#onLost(
        new WorkerLostError(
          `Worker process ${child.pid} of the demo ended by itself (${signal ?? `exit code ${code}`}). It said last: ${lastWords.trim() || 'nothing'}`,
        ),
      )
    })
  }

  /** Ends one worker with SIGKILL, in whatever it does; its process id. */
  kill(): number | undefined {
    const [victim] = this.#running
    if (victim === undefined) return undefined
    this.#running.delete(victim)
    victim.kill('SIGKILL')
    return victim.pid
  }

  /** Warm stop for all; whoever needs more than 5 s is killed. */
  async stop(): Promise<void> {
    const children = [...this.#running]
    this.#running.clear()
    await Promise.all(children.map(stopChild))
  }
}

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const closed = once(child, 'close')
  child.kill('SIGTERM')
  const cancel = systemClock.timer(5000, () => child.kill('SIGKILL'), { keepAlive: true })
  await closed
  cancel()
}
