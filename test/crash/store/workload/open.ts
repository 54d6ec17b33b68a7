import { systemClock } from '../../../../lib/base/clock.ts'
import { SqliteBroker } from '../../../../lib/broker/sqlite/sqlite-broker.ts'
import { messageTo } from '../../../../lib/testing/exams/broker-under-exam.ts'

/* Opens a store and publishes one message. Prints `ok`, or the name and message of the error. Argument: the store's path. */
async function open(path: string): Promise<string> {
  const broker = new SqliteBroker({ path, clock: systemClock })
  try {
    await broker.start()
    await broker.publish([messageTo('q', 'a')])
    return 'ok'
  } catch (error) {
    return `${(error as Error).name}: ${(error as Error).message}`
  } finally {
    await broker.stop()
  }
}

void open(process.argv[2]!).then(console.log)
