// The app of the tests about blocked event loops and stray errors: tasks that misbehave in one way each.
import { Umbel } from 'umbel'

export const app = new Umbel('stalling', {
  // Shorter than the stalls, which only a lease renewed from elsewhere survives.
  leaseDuration: '1s',
  workerMaxBlockedLoop: process.env.MAX_BLOCKED ?? '10m',
})

/** Keeps the event loop for so long. */
function block(ms) {
  for (const endsAt = performance.now() + ms; performance.now() < endsAt; );
  return ms
}

app.task('stalling.block', block)
app.task({ name: 'stalling.limited', timeLimit: '200ms' }, block)
app.task('stalling.quick', (value) => value)
app.task('stalling.forgets', async () => {
  void Promise.reject(new Error('nobody awaits this'))
  setImmediate(() => {
    throw new Error('thrown from a timer')
  })
  await new Promise((resolve) => setTimeout(resolve, 20))
  return 'returned all the same'
})
app.task('stalling.waits', (ms) => new Promise((resolve) => setTimeout(resolve, ms)))
