import { rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { systemClock } from '../../../../lib/base/clock.ts'
import { SqliteBroker } from '../../../../lib/broker/sqlite/sqlite-broker.ts'
import { consume, idOf, messageTo, recordOf, wireMessage } from '../../../../lib/testing/exams/broker-under-exam.ts'

/*
 * Publishes large messages until the disk is full; then, with some space again, takes and settles what was accepted. Prints one line
 * of JSON. Argument: the store's path.
 */
async function fill(path: string): Promise<void> {
  const ballast = join(dirname(dirname(path)), 'ballast')
  writeFileSync(ballast, Buffer.alloc(30_000_000))
  const broker = new SqliteBroker({ path, clock: systemClock })
  await broker.start()
  const accepted: string[] = []
  const errors: { name: string; message: string }[] = []
  for (let i = 0; errors.length < 3; i++) {
    const id = `m${i}`
    const message = wireMessage(id, { body: 'x'.repeat(100_000) })
    try {
      await broker.publish([{ ...messageTo('q', id), message }])
      accepted.push(id)
    } catch (error) {
      errors.push({ name: (error as Error).name, message: (error as Error).message })
    }
  }
  const { waiting } = await broker.admin.counts('q')
  rmSync(ballast)
  const { inbox } = await consume(broker, { prefetch: 4 })
  const settled: string[] = []
  for (const _ of accepted) {
    const delivery = await inbox.next()
    const record = recordOf(idOf(delivery))
    const [reply] = await broker.settle([{ claim: delivery.claim, disposition: 'done', record }])
    if (reply === 'settled') settled.push(idOf(delivery))
  }
  await broker.publish([messageTo('q', 'afterwards')])
  console.log(JSON.stringify({ accepted, errors, waiting, settled, left: (await broker.admin.counts('q')).waiting }))
  await broker.stop()
}

void fill(process.argv[2]!)
