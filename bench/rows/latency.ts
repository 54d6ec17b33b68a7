import { quantile } from '../statistics.ts'
import { drained, idsFile, produce, startWorkers, verify } from './processes.ts'
import type { Row } from './row.ts'

/** What a producer sends before it measures. */
const warmUp = 200

export const latencyRows: readonly Row[] = [
  {
    name: 'idle',
    title: '`delay` to result, one at a time',
    figures: ['p50Ms', 'p99Ms', 'pausedP50Ms', 'pausedP99Ms'],
    target: 2.5,
    async run(context) {
      const count = Math.max(100, Math.round(context.n / 25))
      const paused = Math.max(10, Math.round(context.n / 250))
      const workers = startWorkers(context, { workers: 1, role: 'worker' })
      for (const worker of workers) await worker.reports('ready')
      const ids = idsFile(context)
      const busy = await produce(context, { how: 'roundTrips', count, idsFile: ids }, 'producer')
      const rare = await produce(context, {
        how: 'roundTrips',
        count: paused,
        from: count,
        pauseMs: 25,
        idsFile: ids,
      })
      await drained(context, workers, count + paused + 2 * warmUp)
      await verify(context, count + paused)
      const [all = [], late = []] = [busy.latenciesMs, rare.latenciesMs]
      return {
        p50Ms: quantile(all, 0.5),
        p99Ms: quantile(all, 0.99),
        pausedP50Ms: quantile(late, 0.5),
        pausedP99Ms: quantile(late, 0.99),
      }
    },
  },
]
