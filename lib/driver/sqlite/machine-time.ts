import type { Clock } from '../../base/clock.ts'

/**
 * Milliseconds on a clock that all processes of this machine share, never backwards, until it restarts. Moves with the given clock,
 * so that tests own it.
 */
export function machineTime(clock: Clock): () => number {
  if (clock.machine !== undefined) return () => clock.machine!()
  // hrtime is CLOCK_MONOTONIC; a clock's own monotonic time starts anywhere, so only its distance is used.
  const offset = Number(process.hrtime.bigint()) / 1e6 - clock.monotonic()
  return () => clock.monotonic() + offset
}
