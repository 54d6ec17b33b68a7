import type { Random } from '../virtual-clock/random.ts'

/** What a sequence does to a broker; claims are chosen by a number, of those that are held then. */
export type Command =
  | { readonly do: 'publish'; readonly queue: string; readonly priority: number; readonly inMs: number | undefined }
  | { readonly do: 'pull'; readonly queue: string; readonly count: number }
  | {
      readonly do: 'settle'
      readonly which: number
      readonly disposition: 'done' | 'give-back' | 'park' | 'dead-letter'
      readonly counted: 'return' | 'loss' | undefined
      readonly inMs: number | undefined
      readonly record: boolean
      readonly follow: string | undefined
    }
  /** A claim that was settled or lost before. */
  | { readonly do: 'settle stale'; readonly which: number; readonly record: boolean }
  | { readonly do: 'advance'; readonly ms: number }
  /** Somebody claims, hangs, and its lease lapses; looked at right after that, or later. */
  | { readonly do: 'lapse'; readonly queue: string; readonly count: number; readonly isSeenAtOnce: boolean }
  /** Another participant claims and leaves. */
  | { readonly do: 'leave'; readonly queue: string; readonly count: number }
  | { readonly do: 'pause' | 'resume' | 'purge'; readonly queue: string }
  | { readonly do: 'replay' | 'drop' }

const queues = ['a', 'b'] as const

/** What a sequence may expect of the brokers that are compared. */
export interface Expected {
  /** There are other participants. */
  readonly canLeave: boolean
  /** Leases lapse when their time is over, not some time after. */
  readonly lapsesOnTime: boolean
}

export function randomCommands(random: Random, count: number, expected: Expected): Command[] {
  return Array.from({ length: count }, () => randomCommand(random, expected))
}

function randomCommand(random: Random, { canLeave, lapsesOnTime }: Expected): Command {
  const queue = random.pick(queues)
  const count = random.between(1, 4)
  // Never at the moment at which somebody looks: clocks round.
  const inMs = random.chance(0.3) ? random.between(1, 8) * 100 + 25 : undefined
  const roll = random.next()
  if (roll < 0.3) return { do: 'publish', queue, priority: random.pick([0, 0, 5]), inMs }
  if (roll < 0.52) return { do: 'pull', queue, count }
  if (roll < 0.76) return randomSettlement(random, inMs)
  if (roll < 0.82) return { do: 'settle stale', which: random.between(0, 100), record: random.chance(0.5) }
  if (roll < 0.88) return { do: 'advance', ms: random.between(1, 9) * 100 + 50 }
  if (roll < 0.92)
    return canLeave && random.chance(0.5)
      ? { do: 'leave', queue, count }
      : { do: 'lapse', queue, count, isSeenAtOnce: lapsesOnTime }
  if (roll < 0.98) return { do: random.pick(['pause', 'resume', 'resume', 'purge'] as const), queue }
  return { do: random.pick(['replay', 'drop'] as const) }
}

function randomSettlement(random: Random, inMs: number | undefined): Command {
  const disposition = random.pick(['done', 'done', 'give-back', 'give-back', 'park', 'dead-letter'] as const)
  return {
    do: 'settle',
    which: random.between(0, 100),
    disposition,
    counted: disposition === 'give-back' ? random.pick([undefined, 'return', 'loss'] as const) : undefined,
    inMs: disposition === 'park' ? (inMs ?? 125) : disposition === 'give-back' ? inMs : undefined,
    record: random.chance(0.3),
    follow: random.chance(0.2) ? random.pick(queues) : undefined,
  }
}
