import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * What a fault test records outside the system under test: one line of JSON a fact, appended to a file per process.
 * The facts of all processes of the machine are put in order by the machine's monotonic clock.
 */
export type HistoryEvent = HistoryFact & {
  /** Microseconds since the machine started. */
  readonly t: number
  /** Which process wrote it. */
  readonly pid: number
}

export type HistoryFact =
  /**
   * A call is about to be made; `v` is what the task is to return if that is known. With `after`, nobody makes it but the system itself,
   * once that id has completed: a link, or the next step of a chain.
   */
  | { readonly e: 'pub.call'; readonly id: string; readonly v?: string; readonly after?: string }
  /** `delay()` resolved. */
  | { readonly e: 'pub.ok'; readonly id: string }
  /** `delay()` was refused for certain. */
  | { readonly e: 'pub.fail'; readonly id: string; readonly v?: string }
  /** `delay()` failed with an error that says that the call may have been stored, or its process was killed before the answer. */
  | { readonly e: 'pub.unknown'; readonly id: string; readonly v?: string }
  /** The task's function began. `redelivered` is what it was told. */
  | {
      readonly e: 'run.start'
      readonly id: string
      readonly attempt: number
      readonly redelivered: boolean
      readonly retries?: number
      /** The wall clock as the task sees it, ms since the epoch. */
      readonly wall?: number
    }
  /** It returned `v`. */
  | { readonly e: 'run.end'; readonly id: string; readonly attempt: number; readonly v: string }
  /** It was interrupted by a stopping worker, which gives it back. */
  | { readonly e: 'released'; readonly id: string; readonly attempt: number }
  /** It is among the dead letters, seen there at the end. */
  | { readonly e: 'dead'; readonly id: string; readonly v: string }
  /** It expired or was revoked, with a record that says so. */
  | { readonly e: 'expired'; readonly id: string }
  /** Whoever waited for the result got this: the state (`NONE` when the wait gave up), its value as text, and how long it took of the time it was given. */
  | {
      readonly e: 'res.read'
      readonly id: string
      readonly state: string
      readonly v: string
      readonly waitedMs: number
      readonly deadlineMs: number
    }
  /**
   * A fault begins. `victim` is the process it hits; `how` says whether work in progress may run again because of it.
   * A process that kills itself at a crash point is noticed later than it dies: its last own fact tells how long it lived for certain.
   */
  | {
      readonly e: 'fault.on'
      readonly how: 'kill' | 'freeze' | 'cold-stop' | 'warm-stop' | 'broker'
      readonly victim?: number
    }
  /** It is over: the process was replaced, thawed, or the broker is back. */
  | { readonly e: 'fault.off'; readonly how: string; readonly victim?: number }
  /** A process under test ended; `stray` are errors of its own that nobody handled. */
  | {
      readonly e: 'proc.end'
      readonly victim: number
      readonly code: number | null
      readonly signal: string | null
      readonly stray?: readonly string[]
    }
  /** Looked at when everything had come to rest: messages still in the broker, and whatever else nobody needs any more. */
  | {
      readonly e: 'drained'
      readonly waiting: number
      readonly scheduled: number
      readonly claimed: number
      readonly extras?: readonly string[]
    }

export interface ReadOptions {
  /** Only files whose name begins so: `worker`. */
  readonly from?: string
  /** Its processes are still writing, so that the last line of a file may not be whole yet. */
  readonly isLive?: boolean
}

/** Reads the files of all processes and merges them by time. */
export function readHistory(folder: string, options: ReadOptions = {}): HistoryEvent[] {
  const { from = '', isLive = false } = options
  const events: HistoryEvent[] = []
  for (const name of readdirSync(folder)) {
    if (!name.endsWith('.jsonl') || !name.startsWith(from)) continue
    const lines = readFileSync(join(folder, name), 'utf8').split('\n')
    if (lines.pop() !== '' && !isLive)
      throw new Error(`${name} ends in the middle of a line: a history must be written whole`)
    for (const line of lines) events.push(JSON.parse(line) as HistoryEvent)
  }
  return events.sort((a, b) => a.t - b.t)
}
