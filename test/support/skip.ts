import type { Context, Runnable, Suite } from 'mocha'

type WithReason = { skipReason?: string }

/**
 * Skips the test that is running, or every test of the suite when called from a `before` hook, with a reason that the report prints.
 * A skip without a reason counts as a failure.
 */
export function skip(context: Context, reason: string): never {
  const runnable = context.runnable() as Runnable & WithReason
  runnable.skipReason = reason
  if (runnable.title.startsWith('"before all"')) (runnable.parent as Suite & WithReason).skipReason = reason
  else if (context.currentTest !== undefined) (context.currentTest as Runnable & WithReason).skipReason = reason
  return context.skip() as never
}
