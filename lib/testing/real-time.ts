import * as timers from 'node:timers'

// Taken from Node's module, and at once: test runners replace the global ones by timers that wait to be told.
const { setImmediate: onNextTurn, setTimeout, clearTimeout } = timers

/** Resolves in the next turn of the event loop, when every promise callback has run; also where timers are replaced. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => void onNextTurn(resolve))
}

/** Resolves after that long in reality, whatever any other clock says. Keeps the process alive. */
export function realPause(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms))
}

/** A moment in reality that is still to come, until it is over. */
export class RealDeadline {
  #isOver = false
  #timer: NodeJS.Timeout

  constructor(ms: number) {
    this.#timer = this.#start(ms)
  }

  get isOver(): boolean {
    return this.#isOver
  }

  /** From now on as if made anew. */
  restart(ms: number): void {
    clearTimeout(this.#timer)
    this.#isOver = false
    this.#timer = this.#start(ms)
  }

  cancel(): void {
    clearTimeout(this.#timer)
  }

  #start(ms: number): NodeJS.Timeout {
    return setTimeout(() => {
      this.#isOver = true
    }, ms)
  }
}
