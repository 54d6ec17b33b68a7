import { systemClock } from '../../../../lib/base/clock.ts'
import { SqliteBroker } from '../../../../lib/broker/sqlite/sqlite-broker.ts'
import { SqliteResultBackend } from '../../../../lib/result/sqlite/sqlite-result-backend.ts'
import { consume, messageTo } from '../../../../lib/testing/exams/broker-under-exam.ts'

/*
 * Opens a store and publishes one message. Prints `ok`, or the name and message of the error. Arguments: the store's path, and `leave`
 * to end without closing anything, with a watch, a subscription and a consumer that wait.
 */
async function open(path: string, ending: string | undefined): Promise<string> {
  const broker = new SqliteBroker({ path, clock: systemClock })
  try {
    await broker.start()
    await broker.publish([messageTo('q', 'a')])
    if (ending === 'leave') await waitForNothing(path, broker)
    return 'ok'
  } catch (error) {
    return `${(error as Error).name}: ${(error as Error).message}`
  } finally {
    if (ending !== 'leave') await broker.stop()
  }
}

async function waitForNothing(path: string, broker: SqliteBroker): Promise<void> {
  const results = new SqliteResultBackend({ path, clock: systemClock })
  await results.start()
  results.watch('nobody', () => {})
  await broker.subscribe('silence', () => {})
  await consume(broker, { queues: ['empty'] })
}

void open(process.argv[2]!, process.argv[3]).then(console.log)
