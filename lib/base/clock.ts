/** Time, so that tests can own it. Nothing in the library asks the system for time or sets a timer but through this. */
export interface Clock {
  /** Milliseconds since the Unix epoch; for messages and storage. May jump when the system's clock is set. */
  now(): number
  /** Milliseconds from an arbitrary start, never backwards; for durations. */
  monotonic(): number
  /**
   * Milliseconds on a clock that all processes of this machine share, never backwards, until it restarts. Left out, the system's is
   * used, moved on as `monotonic` moves; given by tests whose leases must not depend on real time at all.
   */
  machine?(): number
  /**
   * Runs `fire` once after `ms` (any size: waits beyond Node's 2^31 ms are split). The timer does not keep the process alive
   * unless `keepAlive` is set. Cancel by calling what it returns.
   */
  timer(ms: number, fire: () => void, options?: { keepAlive?: boolean | undefined }): () => void
  /** Resolves after `ms`, or rejects with the signal's reason. Keeps the process alive. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  /** It moves when told and stands still otherwise, so nothing follows from how long anything took by it. */
  readonly isManual?: boolean | undefined
}

// Node fires a timer of 2^31 ms or more after 1 ms (seen on 20.20), so long waits are made of hours.
const longestTimerMs = 3_600_000

/** What a {@link Clock} is made of: Node's own timers and clocks, or those of a simulation. */
export interface Timers {
  readonly now: () => number
  readonly monotonic: () => number
  /** As `setTimeout`, with its limit of 2^31 - 1 ms. @returns what cancels it */
  readonly set: (fire: () => void, ms: number, keepAlive: boolean) => () => void
}

/** A clock over timers that have Node's limit. */
export function clockOver({ now, monotonic, set }: Timers): Clock {
  const timer: Clock['timer'] = (ms, fire, options) => {
    const endsAt = monotonic() + ms
    const keepAlive = options?.keepAlive === true
    let cancel: () => void
    const arm = (): void => {
      const leftMs = endsAt - monotonic()
      cancel = set(leftMs > longestTimerMs ? arm : fire, Math.max(0, Math.min(leftMs, longestTimerMs)), keepAlive)
    }
    arm()
    return () => cancel()
  }
  const sleep: Clock['sleep'] = (ms, signal) =>
    new Promise<void>((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const onAbort = (): void => {
        cancel()
        reject(signal?.reason)
      }
      const onTime = (): void => {
        signal?.removeEventListener('abort', onAbort)
        resolve()
      }
      const cancel = timer(ms, onTime, { keepAlive: true })
      signal?.addEventListener('abort', onAbort, { once: true })
    })
  return { now, monotonic, timer, sleep }
}

/** The system's clock. */
export const systemClock: Clock = clockOver({
  now: () => Date.now(),
  monotonic: () => performance.now(),
  set(fire, ms, keepAlive) {
    const handle = setTimeout(fire, ms)
    if (!keepAlive) handle.unref()
    return () => clearTimeout(handle)
  },
})
