import type { Clock } from '../../lib/base/clock.ts'
import type { Service } from '../../lib/base/service.ts'
import { reportAfterMs } from './blocked-loop.ts'
import type { TaskBoard } from './task-board.ts'

/** A task that a stall may be laid to. */
export interface Suspect {
  readonly id: string
  readonly task: string
}

export interface LoopWatchParts {
  readonly clock: Clock
  readonly board: TaskBoard
  /** Told after the loop turns again. */
  readonly onBlocked: (stall: { readonly blockedMs: number; readonly tasks: readonly Suspect[] }) => void
  /** Who runs, for when nobody is known to have done it. */
  readonly running: () => readonly Suspect[]
}

const beatEveryMs = 250

/** Beats while the event loop turns, for the lease thread to see, and tells afterwards how long it did not. */
export class LoopWatch implements Service {
  readonly #parts: LoopWatchParts
  #lastBeat = 0
  #culprits: Suspect[] = []
  #cancel: (() => void) | undefined

  constructor(parts: LoopWatchParts) {
    this.#parts = parts
  }

  async start(): Promise<void> {
    this.#lastBeat = this.#parts.clock.monotonic()
    this.#arm()
  }

  async stop(): Promise<void> {
    this.#cancel?.()
  }

  /** A task's function is entered. @param mark its place on the board */
  entered(mark: number): void {
    this.#parts.board.entered(mark)
  }

  /** A task's function has returned or first awaited, after that long. */
  left(task: Suspect, tookMs: number): void {
    this.#parts.board.left()
    if (tookMs > reportAfterMs / 2) this.#culprits.push({ id: task.id, task: task.task })
  }

  #arm(): void {
    this.#parts.board.beat()
    this.#cancel = this.#parts.clock.timer(beatEveryMs, () => this.#beat())
  }

  #beat(): void {
    const now = this.#parts.clock.monotonic()
    // The least that it can have been: somewhere in the time since the last beat, which was a quarter of a second without any stall.
    const blockedMs = now - this.#lastBeat - beatEveryMs
    this.#lastBeat = now
    this.#arm()
    const culprits = this.#culprits
    if (culprits.length > 0) this.#culprits = []
    if (blockedMs <= reportAfterMs) return
    this.#parts.onBlocked({ blockedMs, tasks: culprits.length > 0 ? culprits : this.#parts.running() })
  }
}
