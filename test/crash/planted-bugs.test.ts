// A checker that never found anything may be blind. Here the real worker runs over a broker into which a bug was planted, and the history has to show it.
import { assert } from 'chai'
import { silentLogger } from '../../lib/base/logger.ts'
import type { Broker, ConsumeOptions, Delivery, Settlement } from '../../lib/broker/broker.ts'
import { type TaskContext, Umbel } from '../../lib/index.ts'
import { Worker } from '../../workers/worker.ts'
import { checkHistory, describeCounts, type HistoryReport } from '../support/check-history.ts'
import type { HistoryEvent, HistoryFact } from '../support/history.ts'
import { nowMicros } from '../support/history-writer.js'
import { until } from '../support/until.ts'

type Bug = 'acknowledge before store' | 'drop one in 10,000' | 'run twice'

const calls = 20_000
const stops = 5

describe('the history of real workers over a broker', function () {
  this.timeout(120_000)

  it('without a planted bug passes, cold stops and all', async () => {
    const report = await runWith(undefined)

    assert.equal(report.verdict, 'passed', report.problems.join('\n'))
    assert.isAbove(report.counts.faultsInFlight, 0)
  })

  it('that acknowledges before it stores shows what was lost', async () => {
    assertFound(await runWith('acknowledge before store'), /^lost: /)
  })

  it('that drops one in 10,000 shows what was lost', async () => {
    const report = await runWith('drop one in 10,000')

    assertFound(report, /^lost: /)
    assert.equal(report.counts.resolved - report.counts.completed, 2)
  })

  it('that hands out a message twice shows what ran twice', async () => {
    assertFound(await runWith('run twice'), /^(run twice|overlap): /)
  })
})

function assertFound(report: HistoryReport, problem: RegExp): void {
  assert.equal(report.verdict, 'failed', describeCounts(report))
  assert.isTrue(
    report.problems.some((text) => problem.test(text)),
    report.problems.join('\n'),
  )
}

/** Twenty thousand calls through workers that are stopped cold in the middle, five times. */
async function runWith(bug: Bug | undefined): Promise<HistoryReport> {
  delivered = 0
  const history: HistoryEvent[] = []
  const write = (pid: number, fact: HistoryFact): void => void history.push({ t: nowMicros(), pid, ...fact })
  const app = new PlantedUmbel(bug)
  const record = app.task({ name: 'record', bind: true, ignoreResult: true }, async (task: TaskContext) => {
    const { id, attempt, redelivered } = task
    // Each worker of this process stands for a process of its own.
    const pid = Number(task.hostname.match(/^worker-(\d+)/)?.[1])
    write(pid, { e: 'run.start', id, attempt, redelivered })
    await new Promise((resolve) => setImmediate(resolve))
    if (task.signal.aborted) {
      write(pid, { e: 'released', id, attempt })
      throw task.signal.reason
    }
    write(pid, { e: 'run.end', id, attempt, v: 'done' })
  })
  const workers: Worker[] = []
  const startWorker = async (turn: number): Promise<Worker> => {
    const worker = new Worker(app, { hostname: `worker-${turn}`, concurrency: 20 })
    workers.push(worker)
    await worker.start()
    return worker
  }
  const left = async (): Promise<number> => {
    const { waiting, scheduled, claimed } = await app.queue('celery').counts()
    return waiting + scheduled + claimed
  }
  try {
    const numbers = Array.from({ length: calls }, (): [] => [])
    for (const { id } of await record.delayMany(numbers)) {
      write(0, { e: 'pub.call', id })
      write(0, { e: 'pub.ok', id })
    }
    for (let turn = 1; turn <= stops; turn++) {
      const worker = await startWorker(turn)
      const isAtWork = (): boolean =>
        history.filter((event) => event.e === 'run.end' && event.pid === turn).length > 200
      // A broker that acknowledges first hands everything to its first worker.
      await until(async () => isAtWork() || (await left()) === 0, { what: `worker ${turn} to be at work` })
      write(0, { e: 'fault.on', how: 'cold-stop', victim: turn })
      await worker.stop({ how: 'cold' })
    }
    const last = await startWorker(stops + 1)
    await until(async () => (await left()) === 0, { what: 'the queue to be empty', withinMs: 60_000 })
    await last.stop()
    write(0, { e: 'drained', waiting: 0, scheduled: 0, claimed: 0 })
  } finally {
    for (const worker of workers) await worker.stop()
    await app.close()
  }
  return checkHistory(
    history.sort((a, b) => a.t - b.t),
    { mode: 'at-least-once', inFlight: 100, recoveryMs: 15_000, faults: 'expected', resultsRead: false },
  )
}

let apps = 0

/** An app whose workers get a broker with a bug. */
class PlantedUmbel extends Umbel {
  readonly #bug: Bug | undefined

  constructor(bug: Bug | undefined) {
    super('planted', { broker: `memory://planted-${++apps}`, logger: silentLogger })
    this.#bug = bug
  }

  override async broker(): Promise<Broker> {
    const real = await super.broker()
    const bug = this.#bug
    if (bug === undefined) return real
    return new Proxy(real, {
      get(target, name) {
        if (name === 'consume')
          return (queues: readonly string[], options: ConsumeOptions) =>
            target.consume(queues, planted(bug, target, options))
        if (name === 'settle' && bug === 'acknowledge before store')
          return async (batch: readonly Settlement[]) => batch.map(() => 'settled')
        const value: unknown = Reflect.get(target, name, target)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
  }
}

let delivered = 0

function planted(bug: Bug, broker: Broker, options: ConsumeOptions): ConsumeOptions {
  const acknowledge = (delivery: Delivery): void => void broker.settle([{ claim: delivery.claim, disposition: 'done' }])
  const onDeliveries = (batch: readonly Delivery[]): void => {
    const handed = batch.flatMap((delivery) => {
      delivered++
      if (bug === 'acknowledge before store') acknowledge(delivery)
      if (bug === 'drop one in 10,000' && delivered % 10_000 === 5_000) {
        acknowledge(delivery)
        return []
      }
      return bug === 'run twice' && delivered % 1_000 === 0 ? [delivery, delivery] : [delivery]
    })
    if (handed.length > 0) options.onDeliveries(handed)
  }
  return { ...options, onDeliveries }
}
