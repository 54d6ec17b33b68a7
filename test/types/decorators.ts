// biome-ignore-all lint/nursery/noFloatingPromises: compiled, never run
// biome-ignore-all lint/complexity/noStaticOnlyClass: what decorators are for
// Compiled twice: with TC39's decorators, and with experimentalDecorators.
import { type AsyncResult, sharedTask, type TaskContext, tasksOf } from 'umbel'
import { type Equal, is } from './equal.ts'

export class Reports {
  @sharedTask
  static plain(a: number) {
    return a * 2
  }
  @sharedTask({ queue: 'reports', params: ['year', 'format'] })
  static async build(year: number, format: 'pdf' | 'html' = 'pdf') {
    return { year, format }
  }
  @sharedTask({ bind: true })
  static async fetch(_task: TaskContext, url: string) {
    return url.length
  }
  @sharedTask({ bind: true })
  static async zero(_task: TaskContext) {
    return 1
  }
  @sharedTask()
  static empty(a: number) {
    return a
  }
  static readonly asField = sharedTask({ name: 'Reports.asField', params: ['year'] }, async (year: number) => year)
  static helper() {
    return 1
  }
  // @ts-expect-error instance methods
  @sharedTask
  inst(a: number) {
    return a
  }
  // @ts-expect-error context without bind
  @sharedTask
  static ctx(_task: TaskContext, a: number) {
    return a
  }
  // @ts-expect-error context without bind
  @sharedTask({ queue: 'x' })
  static ctx2(_task: TaskContext, a: number) {
    return a
  }
  // @ts-expect-error bind without context
  @sharedTask({ bind: true })
  static ctx3(a: number) {
    return a
  }
  // @ts-expect-error typo
  @sharedTask({ maxRetrys: 3 })
  static typo(a: number) {
    return a
  }
}
export const { plain, build, fetch, zero, asField } = tasksOf(Reports)
is<Equal<Parameters<typeof plain.delay>, [a: number]>>()
is<Equal<Parameters<typeof build.delay>, [year: number, format?: 'pdf' | 'html' | undefined]>>()
is<Equal<Parameters<typeof fetch.delay>, [url: string]>>()
is<Equal<Parameters<typeof zero.delay>, []>>()
is<Equal<Awaited<ReturnType<typeof build.delay>>, AsyncResult<{ year: number; format: 'pdf' | 'html' }>>>()
build.delay(2026)
// @ts-expect-error the cost of decorators: parameter names are not known
build.applyAsync([2026], { kwargs: { format: 'pdf' } })
Reports.asField.applyAsync([], { kwargs: { year: 1 } })
// A method that was not decorated looks like a task; using it throws.
export const { helper } = tasksOf(Reports)
const reportTask = sharedTask.with({ queue: 'reports' })
export class More {
  @reportTask
  static plain(a: number) {
    return a
  }
}
