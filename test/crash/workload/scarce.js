// Makes a call with 0, 1, 2 … file descriptors left in this process, until it works; prints what became of each, as one line of JSON.
import { closeSync, openSync } from 'node:fs'
import { Umbel } from 'umbel'
import { app } from './app.js'

// A store of its own first, so that every module is loaded: Node remembers for ever that it could not load one.
const warm = new Umbel('warm', { broker: `${process.env.UMBEL_BROKER}-warm` }, { env: {} })
await warm.sendTask('faults.late', [1, 0])
await warm.close()

const taken = []
function takeAll() {
  try {
    for (;;) taken.push(openSync('/dev/null'))
  } catch {
    // None left.
  }
}

const outcomes = []
for (let left = 0; outcomes.at(-1) !== 'ok' && left < 30; left++) {
  takeAll()
  for (let count = 0; count < left; count++) closeSync(taken.pop())
  // A retry would wait for the same thing.
  outcomes.push(
    await app.sendTask('faults.late', [1, 0], { taskId: `scarce-${left}` }).then(
      () => 'ok',
      (error) => `${error.name}: ${error.message}`,
    ),
  )
}
for (const descriptor of taken.splice(0)) closeSync(descriptor)
await app.sendTask('faults.late', [1, 0], { taskId: 'plenty' })
console.log(JSON.stringify(outcomes))
await app.close()
