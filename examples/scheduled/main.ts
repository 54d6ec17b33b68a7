import { Umbel } from 'umbel'
import { Worker } from 'umbel/worker'
import { remind } from './tasks.ts'

await using app = new Umbel('scheduled', { broker: 'memory://', logLevel: 'fatal' })
await using worker = new Worker(app)

// The store keeps them; there is no worker yet.
const third = await remind.applyAsync(['third, 300 ms from now'], { countdown: '300ms' })
const second = await remind.applyAsync(['second, at a time'], { eta: new Date(Date.now() + 150) })
const first = await remind.delay('first, at once')
const never = await remind.applyAsync(['never: too late by the time a worker is there'], { expires: '20ms' })
await new Promise((resolve) => setTimeout(resolve, 40))

await worker.start()

await Promise.all([first.get(), second.get(), third.get()])
console.log(`the fourth: ${(await never.outcome()).kind}`)
