import type { DeliveryHistory } from '../delivery-history.ts'

/** A message's history as its row keeps it. */
export function historyText({ losses, returns, firstReturnedAt }: DeliveryHistory): string {
  return JSON.stringify([losses, returns, firstReturnedAt ?? null])
}

/** Reads {@link historyText}; what can't be read counts as delivered before, and nothing more. */
export function readHistory(text: string): DeliveryHistory {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    value = undefined // damaged by hand; the message itself is worth more than its counters
  }
  const [losses, returns, firstReturnedAt] = Array.isArray(value) ? (value as unknown[]) : []
  return {
    losses: countOf(losses),
    returns: countOf(returns),
    firstReturnedAt: typeof firstReturnedAt === 'number' ? firstReturnedAt : undefined,
  }
}

function countOf(value: unknown): number {
  return typeof value === 'number' && value >= 0 ? value : 0
}
