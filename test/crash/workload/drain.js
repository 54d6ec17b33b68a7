// Waits until nothing is left in any queue, then writes down what is there and reads every result: node drain.js '{"withinMs":30000}'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { openHistory } from '../../support/history-writer.js'
import { app } from './app.js'

const { withinMs = 60_000 } = JSON.parse(process.argv[2] ?? '{}')
const folder = process.env.UMBEL_TEST_HISTORY
const history = openHistory(folder, 'drain')

const { admin } = await app.broker()
async function countAll() {
  const total = { waiting: 0, scheduled: 0, claimed: 0 }
  for (const queue of await admin.queues()) for (const kind of Object.keys(total)) total[kind] += queue[kind]
  return total
}

const endsAt = performance.now() + withinMs
let counts = await countAll()
while (counts.waiting + counts.scheduled + counts.claimed > 0 && performance.now() < endsAt) {
  await new Promise((resolve) => setTimeout(resolve, 20))
  counts = await countAll()
}

const dead = new Set()
for (let after; ; ) {
  const page = await admin.deadLetters({ after, limit: 500 })
  for (const { taskId, reason, detail } of page) {
    dead.add(taskId)
    history({ e: 'dead', id: taskId, v: `${reason}: ${detail}` })
  }
  if (page.length < 500) break
  after = page.at(-1).id
}

const accepted = new Set()
const read = new Set()
for (const name of readdirSync(folder)) {
  for (const line of readFileSync(join(folder, name), 'utf8').split('\n')) {
    if (line === '') continue
    const event = JSON.parse(line)
    // Also those that were stored although their caller never heard so.
    if (event.e === 'pub.call') accepted.add(event.id)
    if (event.e === 'res.read' && event.state !== 'NONE') read.add(event.id)
  }
}
for (const id of accepted) {
  // The record of a dead letter says so; it is told above.
  if (read.has(id) || dead.has(id)) continue
  const result = app.result(id)
  const state = await result.state()
  if (state === 'PENDING') continue
  if (state === 'REVOKED') {
    history({ e: 'expired', id })
    continue
  }
  const startedAt = performance.now()
  const value = state === 'SUCCESS' ? await result.get({ timeout: '10s' }) : await result.info()
  history({
    e: 'res.read',
    id,
    state,
    v: String(value),
    waitedMs: Math.round(performance.now() - startedAt),
    deadlineMs: 10_000,
  })
}
history({ e: 'drained', waiting: counts.waiting, scheduled: counts.scheduled, claimed: counts.claimed })
console.log(JSON.stringify(counts))
await app.close()
