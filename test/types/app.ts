// biome-ignore-all lint/nursery/noFloatingPromises: compiled, never run
import { type AsyncResult, Umbel } from 'umbel'
import { type Equal, is } from './equal.ts'

// Settings as `tsc --init` compiles them, with exactOptionalPropertyTypes: an unset variable may be passed on.
export const app = new Umbel('shop', {
  broker: process.env['REDIS_URL'],
  backend: process.env['REDIS_URL'],
  imports: ['./tasks.js'],
  resultExpires: '1d',
})
// @ts-expect-error no such setting
new Umbel('shop', { borker: 'redis://' })
export const subscription = app.on('taskFailure', (e) => is<Equal<typeof e.error, Error>>())
// @ts-expect-error no such event
app.on('taskFailed', () => {})
export const task = app.task('x', (n: number) => n)
task.delay(3).then((r) => is<Equal<typeof r, AsyncResult<number>>>())
app.sendTask('reports.build', [2026], { kwargs: {} }).then((r) => is<Equal<typeof r, AsyncResult<unknown>>>())
app
  .result<number>('id')
  .get()
  .then((n) => is<Equal<typeof n, number>>())
