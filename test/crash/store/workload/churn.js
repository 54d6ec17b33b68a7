// Writes to a store in every way that there is, until it is killed: node churn.js <store> <log> <prefix>. Plain JavaScript over the built
// package, since two thousand of these are started. Logs `accepted <id>` for what was stored for certain, `tried <id>` before.
import { openSync, writeSync } from 'node:fs'
import { systemClock } from '../../../../dist/lib/base/clock.js'
import { SqliteBroker } from '../../../../dist/lib/broker/sqlite/sqlite-broker.js'
import { SqliteResultBackend } from '../../../../dist/lib/result/sqlite/sqlite-result-backend.js'
import { SqliteStateStore } from '../../../../dist/lib/state/sqlite-state-store.js'

const [path, logPath, prefix] = process.argv.slice(2)
const descriptor = openSync(logPath, 'a')
const log = (word, ids) => writeSync(descriptor, ids.map((id) => `${word} ${id}\n`).join(''))

const place = { path, clock: systemClock }
const broker = new SqliteBroker(place)
const results = new SqliteResultBackend(place)
const state = new SqliteStateStore(place)

function outgoing(id, queue, more = {}) {
  const body = JSON.stringify([[id, 'x'.repeat(200)], {}, {}])
  const headers = { id, task: 'churn.task' }
  const message = { headers, properties: {}, contentType: 'application/json', contentEncoding: 'utf-8', body }
  return { message, route: { exchange: '', routingKey: queue }, ...more }
}

const recordOf = (id) => ({
  id,
  state: 'SUCCESS',
  document: JSON.stringify({ of: id }),
  contentType: 'application/json',
})
const idOf = (delivery) => delivery.message.headers.id

/** Each in its own way: most are done, with a record and a follow-up; some are set aside, given back or parked. */
function settlementOf(delivery) {
  const { claim } = delivery
  const id = idOf(delivery)
  const kind = [...id].reduce((sum, letter) => sum + letter.charCodeAt(0), 0) % 10
  if (kind === 0) return { claim, disposition: 'dead-letter', reason: 'rejected', detail: 'churned' }
  if (kind === 1 && !delivery.redelivered) return { claim, disposition: 'give-back' }
  return { claim, disposition: 'done', record: recordOf(id), publish: [outgoing(`after-${id}`, 'next')] }
}

await Promise.all([broker.start(), results.start(), state.start()])
await broker.consume(['q'], {
  owner: `churn-${process.pid}`,
  prefetch: 16,
  leaseMs: 10_000,
  onDeliveries: (batch) => void broker.settle(batch.map(settlementOf)).catch((error) => log('error', [error.message])),
  onError: (error) => log('error', [error.message]),
})
for (let wave = 0; ; wave++) {
  const ids = Array.from({ length: 8 }, (_, index) => `${prefix}-${wave}-${index}`)
  log('tried', ids)
  const isParked = (index) => index === 7
  await broker.publish(
    ids.map((id, index) => outgoing(id, 'q', isParked(index) ? { notBefore: Date.now() + 50 + wave } : {})),
  )
  log('accepted', ids)
  await Promise.all([
    results.keep([{ ...recordOf(`state-of-${ids[0]}`), state: 'STARTED' }]),
    state.indexAdd('churn', [{ member: ids[1], score: wave }]),
    broker.broadcast('churn', outgoing(ids[2], 'q').message),
  ])
}
