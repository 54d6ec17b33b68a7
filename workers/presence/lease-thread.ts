import { writeSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import { systemClock as clock } from '../../lib/base/clock.ts'
import { crashPoint } from '../../lib/base/crash-point.ts'
import type { LeaseModule, LeaseThreadPart } from '../../lib/broker/broker.ts'
import { describeStall, reasonToEnd, reportAfterMs, type Stall } from './blocked-loop.ts'
import { TaskBoard } from './task-board.ts'

/** What the lease keeper gives its thread. */
export interface LeaseThreadData {
  readonly lease: LeaseModule
  readonly board: SharedArrayBuffer
  readonly hostname: string
  readonly maxBlockedMs: number
}

/** What the thread tells. */
export type LeaseThreadMessage =
  | { readonly kind: 'ready' }
  /** The claims were taken back: the lease had lapsed. */
  | { readonly kind: 'lost' }
  | { readonly kind: 'failed'; readonly message: string }

/** How often the main thread's beat is looked at. */
const lookEveryMs = 250

/*
 * The entry of the lease thread: renews a consumer's lease from where no task can block it, and watches the thread where tasks can.
 */

const { lease, board: memory, hostname, maxBlockedMs } = workerData as LeaseThreadData
const board = new TaskBoard(memory)
const port = parentPort!
const stopping = new AbortController()
let part: LeaseThreadPart | undefined
port.on('message', () => stopping.abort())

function tell(message: LeaseThreadMessage): void {
  port.postMessage(message)
}

// The main thread can't print while it is blocked, and a thread's own stderr goes through it.
function printNow(text: string): void {
  try {
    writeSync(2, `umbel worker ${hostname} (pid ${process.pid}): ${text}\n`)
  } catch {
    // stderr is closed or full; there is nowhere else to say it.
  }
}

let renewedAt = clock.monotonic()
let isRenewing = false
async function renewIfDue(): Promise<void> {
  const now = clock.monotonic()
  if (part === undefined || isRenewing || now - renewedAt < lease.renewEveryMs) return
  isRenewing = true
  crashPoint('lease.beforeRenew')
  try {
    if (!(await part.renew())) tell({ kind: 'lost' })
    renewedAt = now
    crashPoint('lease.afterRenew')
  } catch (error) {
    // Not counted as renewed, so it is tried again at the next look.
    tell({ kind: 'failed', message: error instanceof Error ? error.message : String(error) })
  } finally {
    isRenewing = false
  }
}

let seenBeats = board.beats
let lookedAt = clock.monotonic()
let blockedMs = 0
let isReported = false
function watchLoop(): void {
  const now = clock.monotonic()
  // A process that was stopped (SIGSTOP, a suspended laptop) stood still here too: that time is not held against anybody.
  const passedMs = Math.min(now - lookedAt, 2 * lookEveryMs)
  lookedAt = now
  if (board.beats !== seenBeats) {
    seenBeats = board.beats
    blockedMs = 0
    isReported = false
    return
  }
  blockedMs += passedMs
  const stall: Stall = { blockedMs, called: board.called, running: board.running(), maxBlockedMs }
  const reason = reasonToEnd(stall)
  if (reason !== undefined) {
    printNow(
      `the event loop ${describeStall(stall)}, and ${reason}. Ending the process; its tasks are delivered again.`,
    )
    // A thread can't exit the process, and nothing that asks the main thread to would ever be heard.
    process.kill(process.pid, 'SIGKILL')
  }
  if (blockedMs > reportAfterMs && !isReported) {
    isReported = true
    printNow(
      `the event loop ${describeStall(stall)}. No other task of this worker gets on meanwhile; its claims are kept.`,
    )
  }
}

async function keepLease(): Promise<void> {
  const { openLease } = (await import(lease.url)) as { openLease(data: unknown): LeaseThreadPart }
  part = openLease(lease.data)
  crashPoint('lease.started')
  tell({ kind: 'ready' })
  while (!stopping.signal.aborted) {
    void renewIfDue() // never rejects; the watch goes on while it waits for an answer
    watchLoop()
    await clock.sleep(Math.min(lookEveryMs, lease.renewEveryMs), stopping.signal).catch(() => {}) // told to stop
  }
  await part.close()
  port.close()
}

// What it throws ends the thread and is the keeper's `error` event.
void keepLease()
