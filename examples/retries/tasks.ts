import { sharedTask, type TaskContext } from 'umbel'

export class Unavailable extends Error {
  override readonly name = 'Unavailable'
}

/** A service that answers at the third try. */
export const fetchStock = sharedTask(
  { name: 'stock.fetch', bind: true, autoretryFor: [Unavailable], maxRetries: 5, retryBackoff: '10ms' },
  async (task: TaskContext, item: string) => {
    console.log(`  fetch ${item}, try ${task.retries + 1}`)
    if (task.retries < 2) throw new Unavailable('try again later')
    return 7
  },
)

/** A service that says how long to wait, and never recovers. */
export const order = sharedTask(
  { name: 'stock.order', bind: true, maxRetries: 2 },
  async (task: TaskContext, item: string) => {
    console.log(`  order ${item}, try ${task.retries + 1}`)
    throw task.retry({ countdown: '10ms', error: new Unavailable(`no ${item} today`) })
  },
)
