/**
 * Guards that a test file leaves nothing behind: no process, thread, socket, timer, file watcher, signal handler or temporary file.
 * Loaded by `.mocharc.json` before every test. After each top-level suite it compares what is alive with what was alive before the
 * suite, gives it a moment to go, and fails the suite otherwise, naming what is left. Nothing is checked while tests run, so it costs
 * a few system calls a suite.
 */
import type { ChildProcess } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import diagnostics from 'node:diagnostics_channel'
import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Worker } from 'node:worker_threads'
import type { Suite } from 'mocha'
import { shared } from './shared-servers.ts'

/** How long a suite's remains may take to go: processes need a moment to be reaped, sockets to close. */
const patienceMs = Number(process.env['UMBEL_TEST_PATIENCE_MS'] ?? 3_000)

// Every process that a test starts, and every process that one starts, inherits this; so those whose parent has died are found too.
const runId = randomUUID()
process.env['UMBEL_TEST_RUN'] = `${process.env['UMBEL_TEST_RUN'] ?? ''} ${runId}`.trim()

// Temporary files of tests and of what they start go to a folder of this run, so that other programs' files are never taken for ours.
const runFolder = mkdtempSync(join(realpathSync(tmpdir()), 'umbel-test-'))
process.env['TMPDIR'] = runFolder
process.once('exit', () => rmSync(runFolder, { recursive: true, force: true }))

/** What compilers keep for the next run; shared by all tests and gone with the folder. */
const caches = /^(tsx-|node-compile-cache|v8-compile-cache|npm-|npx-|jest_)/

/** Kinds of resources whose number may not grow. Requests under way (reads, writes, look-ups) end by themselves and are left out. */
const lasting = new Set([
  'Timeout',
  'MessagePort',
  'ProcessWrap',
  'PipeWrap',
  'PipeServerWrap',
  'TCPSocketWrap',
  'TCPServerWrap',
  'UDPWrap',
  'FSEventWrap',
  'StatWatcher',
])
const signals = ['SIGINT', 'SIGTERM', 'SIGQUIT', 'SIGHUP', 'SIGUSR2'] as const

// Resources that were unref'ed don't show up as active; these channels tell of them all.
const children = new Set<ChildProcess>()
const threads = new Set<Worker>()
const sockets = new Set<Socket>()
diagnostics.subscribe('child_process', (message) => {
  const child = (message as { process: ChildProcess }).process
  // The TypeScript loader keeps a compiler process for as long as it lives.
  process.nextTick(() => {
    if (child.pid === undefined || /esbuild/.test(child.spawnfile ?? '')) return
    children.add(child)
    child.once('exit', () => children.delete(child))
    if (child.exitCode !== null || child.signalCode !== null) children.delete(child)
  })
})
diagnostics.subscribe('worker_threads', (message) => {
  const { worker } = message as { worker: Worker }
  threads.add(worker)
  worker.once('exit', () => threads.delete(worker))
})
for (const channel of ['net.client.socket', 'net.server.socket']) {
  diagnostics.subscribe(channel, (message) => {
    const { socket } = message as { socket: Socket }
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
}

/** Everything alive that a suite could have left, as names with counts. */
function census(): Map<string, number> {
  const found = new Map<string, number>()
  const count = (name: string): void => void found.set(name, (found.get(name) ?? 0) + 1)
  for (const kind of process.getActiveResourcesInfo()) if (lasting.has(kind)) count(`active ${kind}`)
  for (const child of children)
    if (!shared.pids.has(child.pid!)) count(`child process ${child.pid} (${child.spawnargs.join(' ').slice(0, 200)})`)
  for (const { pid, command } of strayProcesses()) count(`process ${pid} (${command})`)
  for (const thread of threads) count(`worker thread ${thread.threadId}`)
  for (const socket of sockets) {
    count(
      `socket ${socket.localAddress ?? ''}:${socket.localPort ?? ''} to ${socket.remoteAddress ?? ''}:${socket.remotePort ?? ''}`,
    )
  }
  for (const signal of signals) for (let i = 0; i < process.listenerCount(signal); i++) count(`listener of ${signal}`)
  for (const name of readdirSync(runFolder))
    if (!caches.test(name) && !shared.files.has(name)) count(`temporary file ${join(runFolder, name)}`)
  return found
}

/** Processes of this run that are alive, whoever their parent is now. Only where `/proc` shows them. */
function strayProcesses(): { pid: number; command: string }[] {
  const found: { pid: number; command: string }[] = []
  for (const name of readProc()) {
    const pid = Number(name)
    if (!Number.isInteger(pid) || pid === process.pid || shared.pids.has(pid)) continue
    try {
      if (!readFileSync(`/proc/${name}/environ`, 'latin1').includes(runId)) continue
      const command = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
      if (command !== '' && !/esbuild/.test(command)) found.push({ pid, command: command.slice(0, 200) })
    } catch {
      // Ended meanwhile, or another user's.
    }
  }
  return found
}

function readProc(): string[] {
  try {
    return readdirSync('/proc')
  } catch {
    return []
  }
}

/** What is there now and was not before. */
function excess(before: ReadonlyMap<string, number>, now: ReadonlyMap<string, number>): string[] {
  const more: string[] = []
  for (const [name, count] of now) {
    const extra = count - (before.get(name) ?? 0)
    if (extra > 0) more.push(extra === 1 ? name : `${extra} × ${name}`)
  }
  return more
}

let before = new Map<string, number>()

async function checkNothingLeft(): Promise<void> {
  const endsAt = performance.now() + patienceMs
  let waitMs = 1
  for (;;) {
    // Settles promises and closes handles that were already on their way out.
    await new Promise((resolve) => setImmediate(resolve))
    const now = census()
    const left = excess(before, now)
    if (left.length === 0) {
      before = now
      return
    }
    if (performance.now() > endsAt) {
      // The next suite starts from here, so that one leak is told once.
      before = now
      throw new Error(`Left behind by this suite:\n${left.map((what) => `  - ${what}`).join('\n')}`)
    }
    await pause(waitMs)
    waitMs = Math.min(waitMs * 2, 50)
  }
}

/** Mocha's root hooks: one look before the first suite, one after each top-level suite. */
export const mochaHooks = {
  async beforeAll(this: Mocha.Context): Promise<void> {
    const root = this.test?.parent as Suite
    for (const suite of root.suites) suite.afterAll('leaves nothing behind', checkNothingLeft)
    // Asynchronous like the check, so that Mocha's own timer for a hook is counted in both.
    await new Promise((resolve) => setImmediate(resolve))
    before = census()
  },
  async afterAll(): Promise<void> {
    await checkNothingLeft()
  },
}
