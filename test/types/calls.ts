// biome-ignore-all lint/nursery/noFloatingPromises: compiled, never run
import { type AsyncResult, type CallOptions, type Duration, sharedTask, type TaskOptions } from 'umbel'
import { type Equal, is } from './equal.ts'

const add = sharedTask('math.add', (x: number, y: number) => x + y)
const inc = sharedTask('math.inc', (x: number) => x + 1)

// --- options of a call
add.applyAsync([1, 2], {
  countdown: 10,
  expires: '1h',
  queue: 'math',
  priority: 5,
  taskId: 'x',
  eta: '2026-11-22T10:00:00Z',
})
add.applyAsync([1, 2], { eta: new Date(), expires: new Date(), timeLimit: '5m', headers: { tenant: 'a' } })
add.applyAsync([1, 2], { countdown: undefined, queue: process.env['QUEUE'] })
// @ts-expect-error no unit
add.applyAsync([1, 2], { expires: '1hour' })
// @ts-expect-error a String object
add.applyAsync([1, 2], { expires: new String('x') })
// @ts-expect-error no such option
add.applyAsync([1, 2], { cuontdown: 1 })
add
  .delayMany(
    [
      [1, 1],
      [2, 2],
    ],
    { queue: 'math' },
  )
  .then((rs) => is<Equal<typeof rs, AsyncResult<number>[]>>())
// @ts-expect-error an argument is missing
add.delayMany([[1, 1], [2]])
add.delayMany(
  (function* () {
    for (let i = 0; i < 3; i++) yield [i, i] as [number, number]
  })(),
)
add.delayMany(
  (async function* () {
    for (let i = 0; i < 3; i++) yield [i, i] as const
  })(),
)
inc.delayMany([[1], [2]])
export const optionsOfMine: CallOptions<number> = { countdown: '250ms' }

// --- options of a task
// @ts-expect-error no such option
sharedTask({ name: 'x', maxRetrys: 3 }, (x: number) => x)
// @ts-expect-error no duration
sharedTask({ name: 'x', timeLimit: '30 sec' }, (x: number) => x)
// @ts-expect-error an option of a later version
sharedTask({ name: 'x', rateLimit: '10/m' }, (x: number) => x)
export const taskOptions: TaskOptions = { queue: undefined, maxRetries: null, retryBackoff: 2 }
const mailTask = sharedTask.with({ queue: 'mail' })
export const send = mailTask('mail.send', async (to: string) => to.length)
is<Equal<Parameters<typeof send.delay>, [to: string]>>()

// --- keyword arguments
export const build = sharedTask(
  { name: 'reports.build', params: ['year', 'format'] },
  async (_year: number, _format: 'pdf' | 'html' = 'pdf') => 'x',
)
build.applyAsync([2026], { kwargs: { format: 'pdf' } })
build.applyAsync([], { kwargs: { year: 1, format: 'pdf' } })
build.applyAsync([], { kwargs: { year: 1 } })
build.applyAsync([2026])
// @ts-expect-error year is missing
build.applyAsync([], { kwargs: { format: 'pdf' } })
// @ts-expect-error wrong value
build.applyAsync([2026], { kwargs: { format: 'doc' } })
// @ts-expect-error given twice
build.applyAsync([2026], { kwargs: { year: 2026 } })
// @ts-expect-error unknown
build.applyAsync([2026], { kwargs: { fmt: 'pdf' } })
// @ts-expect-error add has no params
add.applyAsync([1], { kwargs: { y: 1 } })
export const optional = sharedTask({ name: 'o', params: ['x', 'y?'] }, (x: number, y?: string) => `${x}${y}`)
optional.applyAsync([], { kwargs: { x: 1, y: 'a' } })
optional.applyAsync([], { kwargs: { x: 1 } })
// @ts-expect-error the mark is no part of the name
optional.applyAsync([], { kwargs: { x: 1, 'y?': 'a' } })
export const byName = sharedTask(
  { name: 'n', params: ['x', '*', 'deep?'] },
  (x: number, { deep = false }: { deep?: boolean }) => (deep ? x : 0),
)
byName.applyAsync([1], { kwargs: { deep: true } })
byName.applyAsync([], { kwargs: { x: 1, deep: true } })
// @ts-expect-error wrong value of one that is by name only
byName.applyAsync([1], { kwargs: { deep: 'yes' } })
export const rest = sharedTask(
  { name: 'n', params: ['x', '**others'] },
  (x: number, others: Record<string, string>) => ({ x, others }),
)
rest.applyAsync([1], { kwargs: { anything: 'a' } })

// --- durations
export const durations: Duration[] = [10, '250ms', '1.5s', '5m', '2h', '1d']
// @ts-expect-error no unit that we know
export const minutes: Duration = '5 minutes'
// These compile, since types can't tell; they are refused at run time.
export const odd: Duration[] = ['-5s', '1e3ms', '0x10s', ' 5s', '.5s']
