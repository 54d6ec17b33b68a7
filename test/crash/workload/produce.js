// Makes calls and writes down what became of each: node produce.js '{"prefix":"a","from":0,"count":1000,"window":50,"task":"late","ms":0}'
import { openHistory } from '../../support/history-writer.js'
import { app, block, die, early, hoard, late, loop, refuse, waver } from './app.js'

const asked = JSON.parse(process.argv[2])
const {
  prefix,
  from = 0,
  count,
  window = 50,
  task = 'late',
  ms = 0,
  wait = 0,
  eta,
  how,
  queues = [],
  link,
  noDue,
  everyMs = 0,
  countdownMs,
} = asked
const history = openHistory(process.env.UMBEL_TEST_HISTORY, 'producer')
const target = { block, die, early, hoard, late, loop, refuse, waver }[task]
const waits = []

if (noDue) {
  // As a client that tells the broker nothing of due times: they stand in the headers alone.
  const broker = await app.broker()
  const publish = broker.publish.bind(broker)
  broker.publish = (messages) => publish(messages.map(({ notBefore: _notBefore, ...rest }) => rest))
}

async function call(number) {
  const taskId = `${prefix}-${number}`
  const queue = queues[number % queues.length]
  const options = { taskId, queue, ...(eta !== undefined && { eta: new Date(eta) }) }
  if (countdownMs !== undefined) options.countdown = `${countdownMs}ms`
  history({ e: 'pub.call', id: taskId })
  if (link) {
    const next = `${taskId}-next`
    options.link = late.si(number, 0).set({ taskId: next, queue })
    history({ e: 'pub.call', id: next, after: taskId })
  }
  try {
    const result = await target.applyAsync(how === undefined ? [number, ms] : [number, ms, how], options)
    history({ e: 'pub.ok', id: taskId })
    if (wait > 0 && number % wait === 0) waits.push(read(taskId, result))
  } catch (error) {
    history({ e: error.code === 'UMBEL_OUTCOME_UNKNOWN' ? 'pub.unknown' : 'pub.fail', id: taskId, v: String(error) })
  }
}

// Somebody waits for some of them while all this goes on.
async function read(id, result) {
  const startedAt = performance.now()
  const deadlineMs = 600_000
  const outcome = await result.outcome({ timeout: `${deadlineMs}ms` }).catch((error) => ({ kind: 'none', error }))
  const waitedMs = Math.round(performance.now() - startedAt)
  history({ e: 'res.read', id, ...described(outcome), waitedMs, deadlineMs })
}

function described(outcome) {
  if (outcome.kind === 'succeeded') return { state: 'SUCCESS', v: String(outcome.value) }
  return { state: outcome.kind.toUpperCase(), v: String(outcome.error) }
}

for (let number = from; number < from + count; number += window) {
  const size = Math.min(window, from + count - number)
  await Promise.all(Array.from({ length: size }, (_, index) => call(number + index)))
  if (everyMs > 0) await new Promise((resolve) => setTimeout(resolve, everyMs))
}
console.log(`all called; at most ${Math.round(process.resourceUsage().maxRSS / 1024)} MB`)
await Promise.all(waits)
await app.close()
