import { type FaultKind, faultKinds } from '../unkind-broker/chaos.ts'
import { Random } from '../virtual-clock/random.ts'
import { type TaskKind, taskKinds } from './calls.ts'

/** What one seed decides before anything happens. */
export interface Plan {
  readonly faults: ReadonlySet<FaultKind>
  /** How likely one request is to be hit by each fault that is on. */
  readonly rate: number
  /** Mean time between two things that happen to processes. */
  readonly mischiefEveryMs: number
  readonly producers: number
  readonly workers: number
  readonly calls: number
  /** Calls are made, and faults happen, until then. */
  readonly busyMs: number
  readonly queues: readonly string[]
  readonly concurrency: number
  readonly prefetchMultiplier: number
  readonly leaseMs: number
  readonly maxDeliveries: number
  readonly unknownTaskLimitMs: number
  readonly softShutdownMs: number
  readonly publishTimeoutMs: number
  /** Records and acknowledgements are one act. */
  readonly isOneStore: boolean
  /** When workers begin to know the task `sim.late`. */
  readonly deployAtMs: number
  readonly tracksStarted: boolean
  /** What this world has many of. */
  readonly favourite: TaskKind
  /** The share of calls that somebody has revoked. */
  readonly revokes: number
  /** What comes due takes its place in its queue when somebody claims. */
  readonly promotesLate: boolean
  /** Workers that gave something back leave to others for a moment what becomes due. */
  readonly yieldsDue: boolean
}

/** Swarm style: each seed has some of the faults, so that rare combinations occur; some have none. */
export function planOf(seed: string): Plan {
  const random = new Random(`${seed} plan`)
  const share = random.pick([0, 0.15, 0.3, 0.5, 0.8])
  const faults = new Set(faultKinds.filter(() => random.chance(share)))
  const busyMs = random.pick([60_000, 180_000, 300_000, 900_000])
  return {
    faults,
    rate: random.pick([0.005, 0.02, 0.1]),
    mischiefEveryMs: random.pick([3_000, 10_000, 40_000]),
    producers: random.between(1, 3),
    workers: random.between(1, 4),
    calls: random.between(20, 160),
    busyMs,
    queues: ['celery', 'slow', 'urgent'].slice(0, random.between(1, 3)),
    concurrency: random.pick([1, 2, 4, 10, 30]),
    prefetchMultiplier: random.pick([1, 4, 8]),
    leaseMs: random.pick([2_000, 10_000]),
    maxDeliveries: random.between(1, 6),
    unknownTaskLimitMs: random.pick([20_000, 3_600_000]),
    softShutdownMs: random.pick([0, 0, 3_000]),
    publishTimeoutMs: random.pick([2_000, 10_000]),
    isOneStore: random.chance(0.75),
    deployAtMs: random.between(0, busyMs),
    tracksStarted: random.chance(0.3),
    favourite: random.pick(taskKinds.filter((kind) => kind !== 'poison')),
    revokes: random.pick([0, 0.1, 0.4]),
    promotesLate: random.chance(0.5),
    yieldsDue: random.chance(0.5),
  }
}
