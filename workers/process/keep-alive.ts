import type { Clock } from '../../lib/base/clock.ts'
import type { Service } from '../../lib/base/service.ts'

/** Keeps the process alive while it runs: connections don't, a worker does. */
export function keepAlive(clock: Clock): Service {
  let cancel: (() => void) | undefined
  const arm = (): void => {
    cancel = clock.timer(3_600_000, arm, { keepAlive: true })
  }
  return { start: async () => arm(), stop: async () => cancel?.() }
}
