// biome-ignore-all lint/nursery/noFloatingPromises: compiled, never run
import { type AsyncResult, remoteTask } from 'umbel'
import { type Equal, is } from './equal.ts'

export const build = remoteTask<(year: number, format?: 'pdf') => string>('reports.build', { queue: 'py' })
build.delay(2026).then((r) => is<Equal<typeof r, AsyncResult<string>>>())
// @ts-expect-error wrong type
build.delay('2026')
// @ts-expect-error it can't be run here
build(2026)
export const named = remoteTask<(year: number, format?: 'pdf') => string, ['year', 'format?']>('reports.build', {
  params: ['year', 'format?'],
})
named.applyAsync([], { kwargs: { year: 1 } })
// @ts-expect-error wrong value
named.applyAsync([], { kwargs: { year: 1, format: 'doc' } })

// Types of tasks in a module that is not imported when this runs.
type Api = typeof import('./inference.ts')
export const fetchPage = remoteTask<Api['fetchPage']>('web.fetchPage')
fetchPage.delay('http://x').then((r) => is<Equal<typeof r, AsyncResult<import('./inference.ts').Page>>>())
type Calls = typeof import('./calls.ts')
export const other = remoteTask<Calls['build']>('reports.build')
other.applyAsync([2026], { kwargs: { format: 'html' } })
// @ts-expect-error options of the running belong to the definition
remoteTask<(n: number) => number>('x', { timeLimit: '1s' })
