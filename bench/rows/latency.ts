import { roundTripWarmUp } from '../messages.ts'
import { quantile } from '../statistics.ts'
import { drained, idsFile, produceAll, startWorkers, verify } from './processes.ts'
import type { Row } from './row.ts'

export const latencyRows: readonly Row[] = [
  {
    name: 'idle',
    title: '`delay` to result, one at a time',
    figures: ['p50Ms', 'p99Ms', 'pausedP50Ms', 'pausedP99Ms'],
    target: 2.5,
    async run(context) {
      const count = Math.max(100, Math.round(context.n / 25))
      const paused = Math.max(10, Math.round(context.n / 250))
      const workers = startWorkers(context, { workers: 1 })
      for (const worker of workers) await worker.reports('ready')
      const ids = idsFile(context)
      const [{ latenciesMs: all = [] } = {}, { latenciesMs: late = [] } = {}] = await produceAll(context, [
        { how: 'roundTrips', count, idsFile: ids },
        { how: 'roundTrips', count: paused, from: count, pauseMs: 25, idsFile: ids },
      ])
      await drained(context, workers, count + paused + roundTripWarmUp)
      return {
        ...(await verify(context, count + paused)),
        p50Ms: quantile(all, 0.5),
        p99Ms: quantile(all, 0.99),
        pausedP50Ms: quantile(late, 0.5),
        pausedP99Ms: quantile(late, 0.99),
      }
    },
  },
]
