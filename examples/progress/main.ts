import { Umbel } from 'umbel'
import { Worker } from 'umbel/worker'
import { copyBook } from './tasks.ts'

await using app = new Umbel('progress', { broker: 'memory://', logLevel: 'error' })
await using worker = new Worker(app)
await worker.start()

const book = ['Down the Rabbit-Hole', 'The Pool of Tears', 'A Caucus-Race']
const result = await copyBook.delay(book)

let isShown = false
for await (const update of result) {
  // States that follow each other quickly may be seen as the last of them, so a program shows what it sees and counts on nothing but the end.
  if (update.kind === 'state') isShown = true
  if (update.kind === 'succeeded') console.log(`copied ${update.value} letters`)
}
console.log(isShown ? 'and saw it happen' : 'too quick to be seen')
