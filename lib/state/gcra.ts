import { InvalidCall } from '../base/errors.ts'
import type { Rate } from './state-store.ts'

export interface RateDecision {
  readonly allowed: boolean
  readonly retryAfterMs: number
  /** When the whole burst is free again, to be stored; as it was when refused. */
  readonly fullAt: number
}

/**
 * Decides one request by the generic cell rate algorithm, which keeps one number: when the whole burst is free again.
 * @param fullAt what was stored, ms since the epoch; undefined at first
 * @throws {InvalidCall} for a rate that allows nothing, or a cost over the burst, which would be refused for ever
 * @see ITU-T I.371, the virtual scheduling form
 */
export function decideRate(
  fullAt: number | undefined,
  now: number,
  rate: Rate & { cost?: number | undefined },
): RateDecision {
  const { limit, periodMs, burst = limit, cost = 1 } = rate
  if (!(limit > 0 && periodMs > 0 && burst > 0 && cost >= 0 && Number.isFinite(limit + periodMs + burst + cost)))
    throw new InvalidCall(
      `A rate needs limit, period and burst above 0, not ${limit} in ${periodMs} ms, ${burst} at once.`,
    )
  if (cost > burst)
    throw new InvalidCall(`A rate of ${burst} at once never allows ${cost}: raise \`burst\` or lower \`cost\`.`)
  const unitMs = periodMs / limit
  const burstMs = unitMs * burst
  // Never further ahead than a spent burst: a clock that was set back must not close the rate until it has caught up.
  const from = Math.min(Math.max(fullAt ?? now, now), now + burstMs)
  const next = from + unitMs * cost
  const waitMs = next - burstMs - now
  // A division that leaves a rest must not refuse what exactly fits.
  if (waitMs > unitMs * 1e-9) return { allowed: false, retryAfterMs: Math.ceil(waitMs), fullAt: fullAt ?? now }
  return { allowed: true, retryAfterMs: 0, fullAt: next }
}
