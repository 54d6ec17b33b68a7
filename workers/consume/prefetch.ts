/** What {@link prefetchFor} looks at. */
export interface PrefetchFacts {
  readonly concurrency: number
  /** `workerPrefetchMultiplier`: never more than this times the concurrency; 0 for no limit of that kind. */
  readonly multiplier: number
  /** How long tasks ran lately, ms; undefined until one has ended. */
  readonly runtimeMs: number | undefined
}

/** How far ahead deliveries are held. Longer would keep them from workers that are free now; shorter would leave slots waiting for a claim. */
const aheadMs = 100
/** AMQP's prefetch count is an unsigned short. */
const most = 65_535

/**
 * How many deliveries to hold unsettled: those that run, and those that can start within 100 ms by recent run time, between once the
 * concurrency and the multiplier times it. Until a task has ended nothing is held ahead.
 * @returns at least 1
 */
export function prefetchFor({ concurrency, multiplier, runtimeMs }: PrefetchFacts): number {
  const atMost = multiplier === 0 ? most : Math.min(most, concurrency * Math.max(1, multiplier))
  if (runtimeMs === undefined) return Math.max(1, Math.min(concurrency, atMost))
  const startsWithin = (concurrency * aheadMs) / Math.max(runtimeMs, 0.001)
  return Math.max(1, Math.round(Math.min(concurrency + startsWithin, atMost)))
}
