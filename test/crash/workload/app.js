// The app of the fault tests: what the tasks see is written to a history outside of the system under test.
// Plain JavaScript against the built package, as users run it. UMBEL_TEST_HISTORY is the folder of the history.
import { sharedTask, Umbel } from 'umbel'
import { openHistory } from '../../support/history-writer.js'

const history = openHistory(process.env.UMBEL_TEST_HISTORY, 'worker')

export const app = new Umbel('faults', { workerConcurrency: 4, workerPrefetchMultiplier: 3 })

/** Writes down its start and its end, and takes `ms` in between unless its worker stops. */
async function record(task, number, ms = 0) {
  const { id, attempt, redelivered, retries } = task
  history({ e: 'run.start', id, attempt, redelivered, retries })
  if (ms > 0) await pause(task, ms)
  if (task.signal.aborted) {
    history({ e: 'released', id, attempt })
    throw task.signal.reason
  }
  const value = `${number} by attempt ${attempt}`
  history({ e: 'run.end', id, attempt, v: value })
  return value
}

export const late = sharedTask({ name: 'faults.late', bind: true }, record)
export const early = sharedTask({ name: 'faults.early', bind: true, acksLate: false }, record)

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
