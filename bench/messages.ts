// What a measured process and the process that measures it say to each other, over Node's own channel.

/** What a process spent since its measured part began. */
export interface Usage {
  /** User and system time of all its threads, µs. */
  readonly cpuUs: number
  /** The most memory it ever held, MB. */
  readonly peakMb: number
}

/** What a producer found out. */
export interface Produced extends Usage {
  /** On the machine's monotonic clock. */
  readonly startedAtMs: number
  readonly wallMs: number
  /** Of single calls, in order. */
  readonly latenciesMs?: readonly number[]
}

export type Report =
  | { readonly kind: 'ready' }
  /** A worker has begun its first task. */
  | { readonly kind: 'first'; readonly atMs: number }
  /** Tasks that a worker has begun so far; told every thousand. */
  | { readonly kind: 'runs'; readonly runs: number; readonly atMs: number }
  /** The answer to {@link Request}. */
  | { readonly kind: 'usage'; readonly usage: Usage; readonly runs: number }
  /** All jobs are done; in their order. */
  | { readonly kind: 'produced'; readonly produced: readonly Produced[] }

/** Asks a worker what it spent since its first task; ends its profile. */
export interface Request {
  readonly kind: 'usage'
}

/** One thing that a producer does; it may be given several, one after the other. */
export type ProducerJob = {
  /**
   * waves: `delay` a thousand at a time, awaited together. many: one `delayMany`. singles: one `delay` after the other.
   * roundTrips: one `delay` and its result after the other.
   */
  readonly how: 'waves' | 'many' | 'singles' | 'roundTrips'
  readonly count: number
  /** The first `i` of `add(i, 1)`. @default 0 */
  readonly from?: number
  /** Due in a day, so that they wait parked. @default false */
  readonly parked?: boolean
  /** Before each round trip, ms. @default 0 */
  readonly pauseMs?: number
  /** Where the ids are added, one a line. @default nowhere */
  readonly idsFile?: string
  /** Is not measured, so nothing is sent before to warm up. @default false */
  readonly cold?: boolean
}

/** Calls that a producer sends to warm up before round trips; they run, so they count among the runs. */
export const roundTripWarmUp = 200

/** The machine's monotonic clock in ms, the same for all its processes. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}
