import type { FigureName, Figures } from '../figures.ts'
import { quantile } from '../statistics.ts'
import { askUsage, idsFile, produceAll, startWorkers, verify } from './processes.ts'
import type { Row, RowContext } from './row.ts'

const figures: readonly FigureName[] = [
  'perSecond',
  'workerCpuUs',
  'workerMb',
  'delayP50Ms',
  'delayP99Ms',
  'bytesPerMessage',
]
/** What "few" means. */
const few = 1_000
/** Tasks that are run while the others stay. */
const mostRun = 20_000
const singles = 300

/** Costs that must not grow with what is in the store. */
export const largeStoreRows: readonly Row[] = [
  {
    name: 'waiting-few',
    title: 'while 1,000 more wait',
    figures,
    run: (context) => runBefore(context, { backlog: few, parked: false }),
  },
  {
    name: 'waiting-many',
    title: 'while 1,000,000 more wait',
    figures,
    run: (context) => runBefore(context, { backlog: context.backlog, parked: false }),
  },
  {
    name: 'parked-few',
    title: 'while 1,000 are parked',
    figures,
    run: (context) => runBefore(context, { backlog: few, parked: true }),
  },
  {
    name: 'parked-many',
    title: 'while 1,000,000 are parked',
    figures,
    run: (context) => runBefore(context, { backlog: context.backlog, parked: true }),
  },
]

/** Claims and settles some tasks; the backlog stands behind them, or parked beside them, all the while. */
async function runBefore(
  context: RowContext,
  { backlog, parked }: { backlog: number; parked: boolean },
): Promise<Figures> {
  const { system } = context
  const count = Math.min(context.n, mostRun)
  const before = await system.storedBytes()
  const sent = await produceAll(context, [
    { how: 'many', count, idsFile: idsFile(context), cold: true },
    { how: 'many', count: backlog, from: count, parked, cold: true },
    { how: 'singles', count: singles, from: count + backlog },
  ])
  const { latenciesMs = [] } = sent.at(-1)!
  const bytesPerMessage = ((await system.storedBytes()) - before) / (count + backlog + singles)
  const figures = await runSome(context, count)
  return {
    ...(await verify(context, count)),
    ...figures,
    delayP50Ms: quantile(latenciesMs, 0.5),
    delayP99Ms: quantile(latenciesMs, 0.99),
    bytesPerMessage,
  }
}

async function runSome(context: RowContext, count: number): Promise<Figures> {
  const [worker] = startWorkers(context, { workers: 1, role: 'worker' })
  const { atMs: firstAtMs } = await worker!.reports('first')
  const { atMs: lastAtMs } = await worker!.until(`${count} runs`, () => {
    const told = worker!.latest('runs')
    return told !== undefined && told.runs >= count ? told : undefined
  })
  const { usage, runs } = await askUsage(worker!)
  // Warm: what it has begun is stored, so that the tasks that count have results; the rest goes back.
  await worker!.stop()
  return {
    perSecond: (count / (lastAtMs - firstAtMs)) * 1_000,
    workerCpuUs: usage.cpuUs / runs,
    workerMb: usage.peakMb,
  }
}
