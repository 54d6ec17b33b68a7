import { Umbel } from 'umbel'
import { Worker } from 'umbel/worker'
import { fetchStock, order } from './tasks.ts'

await using app = new Umbel('retries', { broker: 'memory://', logLevel: 'fatal' })
await using worker = new Worker(app)
await worker.start()

console.log('retried by the kind of error:')
const stock = await fetchStock.delay('tea')
console.log(`  ${await stock.get()} left`)

console.log('retried by hand, until there are no more tries:')
const outcome = await (await order.delay('milk')).outcome()
if (outcome.kind === 'failed') console.log(`  ${outcome.error.message}`)
