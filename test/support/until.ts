import { setTimeout as pause } from 'node:timers/promises'

/** How long {@link until} waits, and what it says when it gives up. */
export interface UntilOptions {
  /** What is waited for, as the error names it: `the second worker's banner`. */
  readonly what: string
  /** @default 10_000 */
  readonly withinMs?: number
  /** Adds facts to the error: what was seen last. */
  readonly seen?: () => string
}

/**
 * Waits until `probe` gives something other than undefined, null or false, and resolves with it.
 * For things that send no event; it looks often at first (every millisecond) and then every 25 ms.
 */
export async function until<T>(
  probe: () => T | Promise<T>,
  options: UntilOptions,
): Promise<Exclude<T, undefined | null | false>> {
  const { what, withinMs = 10_000, seen } = options
  const endsAt = performance.now() + withinMs
  for (let waitMs = 1; ; waitMs = Math.min(waitMs * 1.5, 25)) {
    const found = await probe()
    if (found !== undefined && found !== null && found !== false) return found as Exclude<T, undefined | null | false>
    if (performance.now() >= endsAt) {
      throw new Error(`Waited ${withinMs} ms for ${what}, in vain.${seen === undefined ? '' : `\nSeen: ${seen()}`}`)
    }
    await pause(waitMs)
  }
}

/** Resolves with the promise's value, or throws once the deadline passes. The timer never outlives the wait. */
export async function within<T>(ms: number, what: string, promise: Promise<T>): Promise<T> {
  const stop = new AbortController()
  const deadline = pause(ms, undefined, { signal: stop.signal }).then(
    () => {
      throw new Error(`Waited ${ms} ms for ${what}, in vain.`)
    },
    () => undefined as never,
  )
  try {
    return await Promise.race([promise, deadline])
  } finally {
    stop.abort()
  }
}
