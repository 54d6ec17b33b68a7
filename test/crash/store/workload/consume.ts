import { systemClock } from '../../../../lib/base/clock.ts'
import { SqliteBroker } from '../../../../lib/broker/sqlite/sqlite-broker.ts'
import { idOf, messageTo, recordOf } from '../../../../lib/testing/exams/broker-under-exam.ts'
import { openLog } from './log.ts'

/*
 * Consumes queue `q` until it is killed or told to end: each message is settled with a record and one follow-up in queue `next`.
 * Arguments: the store's path, the log's path, how long it holds each batch (ms), and how long its lease lasts (ms).
 */
const [path, logPath, holdMs, leaseMs = '10000'] = process.argv.slice(2) as [string, string, string, string?]
const log = openLog(logPath)
const broker = new SqliteBroker({ path, clock: systemClock })

async function consume(): Promise<void> {
  await broker.start()
  await broker.consume(['q'], {
    owner: `workload-${process.pid}`,
    prefetch: 16,
    leaseMs: Number(leaseMs),
    onDeliveries(batch) {
      for (const delivery of batch) log('claimed', idOf(delivery))
      void systemClock.sleep(Number(holdMs)).then(async () => {
        const replies = await broker.settle(
          batch.map((delivery) => ({
            claim: delivery.claim,
            disposition: 'done' as const,
            record: recordOf(idOf(delivery)),
            publish: [messageTo('next', `after-${idOf(delivery)}`)],
          })),
        )
        for (const [index, reply] of replies.entries()) log(reply, idOf(batch[index]!))
      })
    },
    onError: (error) => log('error', error.message),
  })
  console.log('consuming')
}

// Nothing of a broker keeps a process alive.
const keepAlive = setInterval(() => {}, 1_000)
process.once('SIGTERM', () => {
  clearInterval(keepAlive)
  void broker.stop()
})
void consume()
