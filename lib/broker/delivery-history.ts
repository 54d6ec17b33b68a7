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
