// The app that `umbel worker` loads. Its task does nothing but add and count.
import { sharedTask, Umbel } from 'umbel'
import { tell } from './channel.ts'
import { countRuns } from './run-counter.ts'

const count = countRuns()

export const app = new Umbel('bench', { logLevel: 'error' })
app.on('workerReady', () => tell({ kind: 'ready' }))

export const add = sharedTask('bench.add', (x: number, y: number): number => {
  count()
  return x + y
})
