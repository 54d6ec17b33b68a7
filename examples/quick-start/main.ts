import { Umbel } from 'umbel'
import { Worker } from 'umbel/worker'
import { add, divide } from './tasks.ts'

// One process plays both parts here, so that one command shows everything. Elsewhere the worker is a process of its own.
await using app = new Umbel('quick-start', { broker: 'memory://', logLevel: 'error' })
await using worker = new Worker(app)
await worker.start()

const sum = await add.delay(2, 3)
console.log(`2 + 3 = ${await sum.get()}`)

const sums = await add.delayMany([
  [1, 1],
  [2, 2],
  [3, 3],
])
console.log(`many: ${(await Promise.all(sums.map((each) => each.get()))).join(', ')}`)

const failed = await divide.delay(1, 0)
const outcome = await failed.outcome()
console.log(outcome.kind === 'failed' ? `1 / 0: ${outcome.error}` : 'unexpected')
