/** How {@link retryDelay} grows. */
export interface BackoffOptions {
  /** The first wait, in ms. */
  readonly firstMs: number
  /** No wait is longer, in ms. */
  readonly maxMs: number
  /** Any whole number from 0 to the computed wait instead of the wait itself. */
  readonly jitter?: boolean | undefined
  /** Where the jitter comes from: a number from 0 up to, not including, 1. @default Math.random */
  readonly random?: (() => number) | undefined
}

/**
 * How long to wait before the next attempt.
 * Doubles from `firstMs` up to `maxMs`; with `jitter`, any whole number from 0 to that, so that what failed together doesn't return together.
 * @param attempts attempts already made again; 0 or more
 * @returns milliseconds, whole
 * @see Celery's `retry_backoff`, `retry_backoff_max` and `retry_jitter`, which count in seconds
 */
export function retryDelay(attempts: number, options: BackoffOptions): number {
  const { firstMs, maxMs, jitter, random = Math.random } = options
  // 2^31 times anything is beyond every maxMs, and keeps Infinity out of the arithmetic.
  const fullMs = Math.min(maxMs, firstMs * 2 ** Math.min(attempts, 31))
  return jitter ? Math.floor(random() * (fullMs + 1)) : Math.round(fullMs)
}
