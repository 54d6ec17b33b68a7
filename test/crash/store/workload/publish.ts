import { systemClock } from '../../../../lib/base/clock.ts'
import { SqliteBroker } from '../../../../lib/broker/sqlite/sqlite-broker.ts'
import { messageTo } from '../../../../lib/testing/exams/broker-under-exam.ts'
import { openLog } from './log.ts'

/*
 * Publishes waves of ten until it is killed, and logs what was tried and what was accepted.
 * Arguments: the store's path, the log's path.
 */
const [path, logPath] = process.argv.slice(2) as [string, string]
const log = openLog(logPath)
const broker = new SqliteBroker({ path, clock: systemClock })

async function publishWaves(): Promise<void> {
  await broker.start()
  for (let wave = 0; wave < 1_000; wave++) {
    const ids = Array.from({ length: 10 }, (_, index) => `w${wave}-${index}`)
    for (const id of ids) log('tried', id)
    // Every other wave as one call, the rest as ten that share a transaction.
    if (wave % 2 === 0) {
      await broker.publish(ids.map((id) => messageTo('q', id)))
      for (const id of ids) log('accepted', id)
    } else {
      await Promise.all(ids.map((id) => broker.publish([messageTo('q', id)]).then(() => log('accepted', id))))
    }
  }
}

void publishWaves()
