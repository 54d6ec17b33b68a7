import type { Settlement } from './broker.ts'

/** What became of earlier deliveries of one message; a message without one was never delivered, or is to be as if it weren't. */
export interface DeliveryHistory {
  readonly losses: number
  readonly returns: number
  /** ms since the epoch. */
  readonly firstReturnedAt: number | undefined
}

const fresh: DeliveryHistory = { losses: 0, returns: 0, firstReturnedAt: undefined }

/** The history after one more delivery ended without being settled for good. */
export function oneMore(
  history: DeliveryHistory | undefined,
  counted: Settlement['counted'],
  now: number,
): DeliveryHistory {
  const { losses, returns, firstReturnedAt } = history ?? fresh
  if (counted === 'loss') return { losses: losses + 1, returns, firstReturnedAt }
  if (counted === 'return') return { losses, returns: returns + 1, firstReturnedAt: firstReturnedAt ?? now }
  return history ?? fresh
}

/** One lost worker is an accident; two may be the message's own doing, so that it is handled with care from then on. */
const suspectFrom = 2
const firstDelayMs = 250
const longestDelayMs = 60_000

/** True for a message that may be what its workers die of. */
export function isSuspect({ losses }: Pick<DeliveryHistory, 'losses'>): boolean {
  return losses >= suspectFrom
}

/**
 * When a message whose worker was lost is offered again: after the first loss at once, then later with every loss, up to a minute. Those
 * that were lost together come back apart, or one that kills its workers would take the others with it each time.
 * @param id any number of the message's own: a share of the wait, from half of it to all, depends on it
 * @returns ms since the epoch; undefined for at once
 */
export function afterLossAt({ losses }: DeliveryHistory, id: number, now: number): number | undefined {
  if (losses < suspectFrom) return undefined
  const fullMs = Math.min(longestDelayMs, firstDelayMs * 2 ** Math.min(losses - suspectFrom, 31))
  // The golden ratio spreads successive numbers evenly.
  const share = 0.5 + ((id * 0.618_033_988_75) % 1) / 2
  return now + Math.round(fullMs * share)
}
