import type { FigureName, Figures } from '../figures.ts'
import type { ProducerJob } from '../messages.ts'
import type { RowName } from '../systems/system.ts'
import { drained, idsFile, produce, startWorkers, verify } from './processes.ts'
import type { Row, RowContext } from './row.ts'

const sending: readonly FigureName[] = ['perSecond', 'producerCpuUs', 'producerMb']
const working: readonly FigureName[] = ['perSecond', 'workerCpuUs', 'workerMb']

export const throughputRows: readonly Row[] = [
  {
    name: 'delay',
    title: '`delay`, a thousand at a time awaited together',
    figures: sending,
    target: 50_000,
    run: (context) => send(context, 'waves'),
  },
  {
    name: 'delayMany',
    title: '`delayMany`',
    figures: sending,
    target: 120_000,
    run: (context) => send(context, 'many'),
  },
  drainRow('drain', 1, 60_000),
  drainRow('drain-2', 2),
  {
    name: 'together',
    title: 'producer (`delay` in thousands) and worker at once',
    figures: ['perSecond', 'producerCpuUs', 'workerCpuUs', 'producerMb', 'workerMb'],
    run: together,
  },
]

/** Sends into an empty store; what was sent is run and checked afterwards, unmeasured. */
async function send(context: RowContext, how: ProducerJob['how']): Promise<Figures> {
  const { n } = context
  const produced = await produce(context, { how, count: n, idsFile: idsFile(context) }, 'producer')
  await drained(context, startWorkers(context, { workers: 1 }), n)
  return {
    ...(await verify(context, n)),
    perSecond: (n / produced.wallMs) * 1_000,
    producerCpuUs: produced.cpuUs / n,
    producerMb: produced.peakMb,
  }
}

function drainRow(name: RowName, workers: number, target?: number): Row {
  return {
    name,
    title: workers === 1 ? 'drain a backlog, one worker process' : `the same, ${workers} worker processes`,
    figures: working,
    ...(target !== undefined && { target }),
    async run(context) {
      const { n } = context
      await produce(context, { how: 'many', count: n, idsFile: idsFile(context), cold: true })
      const { firstAtMs, lastAtMs, cpuUs, peakMb } = await drained(
        context,
        startWorkers(context, { workers, role: 'worker' }),
        n,
      )
      return {
        ...(await verify(context, n)),
        perSecond: (n / (lastAtMs - firstAtMs)) * 1_000,
        workerCpuUs: cpuUs / n,
        workerMb: peakMb,
      }
    },
  }
}

/** From the first call to the last record stored. */
async function together(context: RowContext): Promise<Figures> {
  const { n } = context
  const workers = startWorkers(context, { workers: 1, role: 'worker' })
  for (const worker of workers) await worker.reports('ready')
  const produced = await produce(context, { how: 'waves', count: n, idsFile: idsFile(context) }, 'producer')
  const { lastAtMs, cpuUs, peakMb } = await drained(context, workers, n)
  return {
    ...(await verify(context, n)),
    perSecond: (n / (lastAtMs - produced.startedAtMs)) * 1_000,
    producerCpuUs: produced.cpuUs / n,
    workerCpuUs: cpuUs / n,
    producerMb: produced.peakMb,
    workerMb: peakMb,
  }
}
