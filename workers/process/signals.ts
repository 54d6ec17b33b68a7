import type { Clock } from '../../lib/base/clock.ts'

/** How a worker is told to end, from the gentlest to the rudest. */
export type StopRung = 'warm' | 'cold' | 'hard'

export interface SignalActions {
  readonly clock: Clock
  /** Each rung at most once, in order; QUIT leaves out the first. */
  readonly onStop: (rung: StopRung) => void
  /**
   * From now on another signal is the next rung and no echo: the time to say so. Whoever answers what is said with a signal, a program
   * perhaps, must not be taken for the echo.
   */
  readonly onEchoOver: (rung: StopRung) => void
  /** USR2: print what runs. */
  readonly onShow: () => void
}

/**
 * Ctrl-C reaches every process of the group, and a parent (npm, npx, a shell script) may pass it on as well: the same signal within this
 * time is one.
 */
const echoMs = 200

/**
 * The ladder: TERM or INT is a warm stop, the second of them or QUIT a cold one, what comes after that ends the process at once.
 * The same signal again within 200 ms counts as its echo.
 */
export class StopLadder {
  #rung: StopRung | undefined
  readonly #lastAt = new Map<string, number>()

  /** The rung that a signal leads to now; undefined when it is an echo. */
  climb(signal: NodeJS.Signals, now: number): StopRung | undefined {
    const lastAt = this.#lastAt.get(signal)
    this.#lastAt.set(signal, now)
    if (lastAt !== undefined && now - lastAt < echoMs) return undefined
    if (this.#rung === 'cold' || this.#rung === 'hard') this.#rung = 'hard'
    else this.#rung = this.#rung === undefined && signal !== 'SIGQUIT' ? 'warm' : 'cold'
    return this.#rung
  }

  /** What comes now is none, whatever the clock says: timers may fire a fraction of a millisecond early. */
  endEchoes(): void {
    this.#lastAt.clear()
  }
}

/** Listens to the signals of a daemon until disposed of. USR1 stays with Node's debugger. */
export function listenToSignals({ clock, onStop, onEchoOver, onShow }: SignalActions): Disposable {
  const ladder = new StopLadder()
  let cancel: (() => void) | undefined
  const onSignal = (signal: NodeJS.Signals): void => {
    const rung = ladder.climb(signal, clock.monotonic())
    if (rung === undefined) return
    cancel?.()
    cancel = clock.timer(echoMs, () => {
      ladder.endEchoes()
      onEchoOver(rung)
    })
    onStop(rung)
  }
  const stops = ['SIGTERM', 'SIGINT', 'SIGQUIT'] as const
  for (const signal of stops) process.on(signal, onSignal)
  process.on('SIGUSR2', onShow)
  return {
    [Symbol.dispose]: () => {
      cancel?.()
      for (const signal of stops) process.off(signal, onSignal)
      process.off('SIGUSR2', onShow)
    },
  }
}
