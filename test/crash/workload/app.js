// The app of the fault tests: what the tasks see is written to a history outside of the system under test.
// Plain JavaScript against the built package, as users run it. UMBEL_TEST_HISTORY is the folder of the history.
import { closeSync, openSync } from 'node:fs'
import { Reject, sharedTask, Umbel } from 'umbel'
import { openHistory } from '../../support/history-writer.js'

const history = openHistory(process.env.UMBEL_TEST_HISTORY, 'worker')

export const app = new Umbel('faults', { workerConcurrency: 4, workerPrefetchMultiplier: 3 })

/** Writes down its start and its end, and takes `ms` in between unless its worker stops. */
async function record(task, number, ms = 0) {
  const { id, attempt, redelivered, retries } = task
  history({ e: 'run.start', id, attempt, redelivered, retries, wall: Date.now() })
  if (ms > 0) await pause(task, ms)
  if (task.signal.aborted) {
    history({ e: 'released', id, attempt })
    throw task.signal.reason
  }
  const value = `${number} by attempt ${attempt}`
  history({ e: 'run.end', id, attempt, v: value })
  return value
}

// A version of the app that does not have this task yet.
export const late = process.env.UMBEL_TEST_NOT_DEPLOYED
  ? undefined
  : sharedTask({ name: 'faults.late', bind: true }, record)
export const early = sharedTask({ name: 'faults.early', bind: true, acksLate: false }, record)

/** Keeps the event loop for so long. */
export const block = sharedTask({ name: 'faults.block', bind: true }, (task, number, ms) => {
  const { id, attempt, redelivered, retries } = task
  history({ e: 'run.start', id, attempt, redelivered, retries })
  for (const endsAt = performance.now() + ms; performance.now() < endsAt; );
  const value = `${number} by attempt ${attempt}`
  history({ e: 'run.end', id, attempt, v: value })
  return value
})

/** Leaves the process not one file descriptor for so long. */
export const hoard = sharedTask({ name: 'faults.hoard', bind: true }, async (task, number, ms) => {
  const taken = []
  try {
    for (;;) taken.push(openSync('/dev/null'))
  } catch {
    // None left.
  }
  await pause(task, ms)
  for (const descriptor of taken) closeSync(descriptor)
  return record(task, number)
})

/** Sets its message aside. */
export const refuse = sharedTask({ name: 'faults.refuse', bind: true }, (task) => {
  const { id, attempt, redelivered, retries } = task
  history({ e: 'run.start', id, attempt, redelivered, retries })
  throw new Reject('nobody wants it')
})

/** Gives its message back when it comes for the first time. */
export const waver = sharedTask({ name: 'faults.waver', bind: true }, async (task, number) => {
  if (task.redelivered) return record(task, number)
  const { id, attempt, redelivered, retries } = task
  history({ e: 'run.start', id, attempt, redelivered, retries })
  history({ e: 'released', id, attempt })
  throw new Reject('not now', { requeue: true })
})

/** Ends its own process, on every attempt. */
const ways = {
  kill: () => process.kill(process.pid, 'SIGKILL'),
  segv: () => process.kill(process.pid, 'SIGSEGV'),
  abort: () => process.abort(),
  exit: () => process.exit(7),
  memory() {
    for (const kept = []; ; ) kept.push(new Array(100_000).fill(kept.length))
  },
}
async function perish({ id, attempt, redelivered, retries }, _number, _ms, how) {
  history({ e: 'run.start', id, attempt, redelivered, retries })
  ways[how]()
  await new Promise(() => {}) // a signal takes a moment
}
export const die = sharedTask({ name: 'faults.die', bind: true }, perish)

/** Blocks the event loop until the hard limit ends the process. */
export const loop = sharedTask({ name: 'faults.loop', bind: true, timeLimit: '100ms' }, (task) => {
  const { id, attempt, redelivered, retries } = task
  history({ e: 'run.start', id, attempt, redelivered, retries })
  for (;;);
})

function pause(task, ms) {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer)
      task.signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    task.signal.addEventListener('abort', done)
  })
}
