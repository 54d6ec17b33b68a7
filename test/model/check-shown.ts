import type { Broker } from '../../lib/broker/broker.ts'
import type { ResultBackend } from '../../lib/result/result-backend.ts'
import { bodyOf } from './check-deliveries.ts'
import { Violation } from './compare.ts'
import type { Entry, StoreModel } from './store-model.ts'

/** What operators are shown of queues and dead letters. @throws {Violation} */
export async function checkShown(model: StoreModel, broker: Broker, now: number): Promise<void> {
  const shown = await broker.admin.queues()
  for (const queue of ['q0', 'q1', 'q2']) {
    const { queue: _, ...counts } = shown.find((one) => one.queue === queue) ?? { queue, ...emptyCounts }
    const expected = countsOf(model, queue, now)
    if (JSON.stringify(counts) !== JSON.stringify(expected))
      throw new Violation(1, `${queue} shows ${JSON.stringify(counts)}, not ${JSON.stringify(expected)}`)
  }
  for (const letter of await broker.admin.deadLetters()) {
    const raw = Buffer.from(letter.raw).toString()
    const id = letter.taskId ?? ''
    if (!raw.includes(JSON.stringify(bodyOf(id)).slice(1, -1)) || letter.message?.body !== bodyOf(id))
      throw new Violation(6, `the dead letter of ${id} has lost its bytes: ${raw.slice(0, 200)}`)
  }
}

const emptyCounts = { waiting: 0, scheduled: 0, claimed: 0, dead: 0, paused: false }

function countsOf(model: StoreModel, queue: string, now: number): typeof emptyCounts {
  const mine = [...model.entries.values()].filter((entry) => entry.queue === queue)
  const count = (test: (entry: Entry) => boolean): number => mine.filter(test).length
  const isDue = (entry: Entry): boolean => entry.place === 'scheduled' && entry.due! <= now
  return {
    waiting: count((entry) => entry.place === 'waiting' || isDue(entry)),
    scheduled: count((entry) => entry.place === 'scheduled' && !isDue(entry)),
    claimed: count(({ place }) => place === 'claimed'),
    dead: count(({ place }) => place === 'dead'),
    paused: model.paused.has(queue),
  }
}

/** The records of these tasks, and that there are none where there should be none. @throws {Violation} */
export async function checkRecords(model: StoreModel, results: ResultBackend, ids: readonly string[]): Promise<void> {
  const found = await results.fetch(ids)
  for (const [index, id] of ids.entries()) {
    const one = found[index]!
    const expected = model.records.get(id)
    const seen = one.kind === 'record' ? `${one.record.state} ${String(one.record.document)}` : one.kind
    const wanted = expected === undefined ? 'absent' : `${expected.state} ${expected.document}`
    if (seen !== wanted) throw new Violation(5, `the record of ${id} is ${seen}, not ${wanted}`)
  }
}
