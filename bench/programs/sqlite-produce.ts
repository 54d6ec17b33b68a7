// Inserts envelopes, a thousand in a transaction: node sqlite-produce.mjs '<one ProducerJob, and path>'
import { writeFileSync } from 'node:fs'
import { monotonicMs, type ProducerJob } from '../messages.ts'
import { job, listen, tell } from './channel.ts'
import { Measurement } from './measurement.ts'
import { openBare } from './sqlite-store.ts'
import { sampleEnvelope } from './umbel-sample.ts'

const { count, idsFile, path } = job<ProducerJob & { path: string }>()
listen(() => {})
const envelopeOf = await sampleEnvelope(`${path}-sample`)
const database = openBare(path, { isNew: true })
const insert = database.statement('insert into messages (id, owner, envelope) values (?, 0, ?)')

insertAll(1_000)
database.exec('delete from messages')

const measurement = new Measurement()
measurement.start()
const startedAtMs = monotonicMs()
insertAll(count)
const wallMs = monotonicMs() - startedAtMs
const usage = measurement.end()
if (idsFile !== undefined)
  writeFileSync(idsFile, Array.from({ length: count }, (_, index) => `${idOf(index + 1)}\n`).join(''))
database.close()
tell({ kind: 'produced', produced: [{ ...usage, startedAtMs, wallMs }] })

/** The number of a message is the result that is expected of it. */
function insertAll(many: number): void {
  for (let number = 1; number <= many; ) {
    database.exec('begin immediate')
    for (const end = Math.min(number + 999, many); number <= end; number++)
      insert.run([number, envelopeOf(idOf(number))])
    database.exec('commit')
  }
}

/** As long as the ids of calls. */
function idOf(number: number): string {
  return `019ae000-0000-7000-8000-${String(number).padStart(12, '0')}`
}
