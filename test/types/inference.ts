// biome-ignore-all lint/nursery/noFloatingPromises: compiled, never run
import {
  type AnyTask,
  type AsyncResult,
  type currentTask,
  sharedTask,
  type Task,
  type TaskContext,
  type TaskHandle,
} from 'umbel'
import { type Equal, is } from './equal.ts'

// --- a name and a function
export const add = sharedTask('math.add', (x: number, y: number) => x + y)
is<Equal<ReturnType<typeof add.delay>, Promise<AsyncResult<number>>>>()
is<Equal<Parameters<typeof add.delay>, [x: number, y: number]>>()
export const five: number = add(2, 3)
// @ts-expect-error wrong type
add.delay('a', 1)
// @ts-expect-error missing
add.delay(1)
// @ts-expect-error too many
add.delay(1, 2, 3)
// @ts-expect-error a direct call is checked as well
add('a', 1)

// --- a function alone; optional and rest parameters
export const hello = sharedTask(async function hello(name: string, shout = false, ...more: number[]) {
  return { name, shout, more }
})
is<Equal<Parameters<typeof hello.delay>, [name: string, shout?: boolean | undefined, ...more: number[]]>>()
is<Equal<Awaited<ReturnType<typeof hello.delay>>, AsyncResult<{ name: string; shout: boolean; more: number[] }>>>()
hello.delay('x')
hello.delay('x', true, 1, 2)
// @ts-expect-error shout is no number
hello.delay('x', 1)

// --- options and a function; the context is dropped
class NetworkError extends Error {
  readonly status: number
  constructor(status: number) {
    super()
    this.status = status
  }
}
export interface Page {
  url: string
  title: string
  links?: string[]
  fetchedAt: Date
}
export const fetchPage = sharedTask(
  {
    name: 'web.fetchPage',
    bind: true,
    autoretryFor: [NetworkError, 'ConnectionError'],
    maxRetries: 5,
    retryBackoff: true,
    timeLimit: '30s',
  },
  async (task: TaskContext, url: string): Promise<Page> => {
    await task.progress(1, 10)
    return { url, title: '', fetchedAt: new Date() }
  },
)
is<Equal<Parameters<typeof fetchPage.delay>, [url: string]>>()
is<Equal<Awaited<ReturnType<typeof fetchPage.delay>>, AsyncResult<Page>>>()
export const direct: Promise<Page> = fetchPage('http://x')
export const bound = sharedTask({ name: 'b', bind: true }, async (task: TaskContext, url: string, n: number) => {
  await task.progress(1)
  return url.length + n
})
is<Equal<Parameters<typeof bound.delay>, [url: string, n: number]>>()
is<Equal<Awaited<ReturnType<typeof bound.delay>>, AsyncResult<number>>>()

// --- hooks in the options know the arguments and the result
export const hooked = sharedTask(
  {
    name: 'u',
    unique: {
      key: (url, n) => {
        const s: string = url
        const m: number = n
        return s + m
      },
      for: '10m',
    },
    onSuccess: (value, task) => {
      const v: { ok: boolean } = value
      task.log.info({ v })
    },
    onFailure: (error, task) => task.log.warn({ err: error }),
    afterReturn: (ending) => {
      if (ending.kind === 'succeeded') is<Equal<typeof ending.value, { ok: boolean }>>()
    },
  },
  async (url: string, n: number) => ({ ok: url.length > n }),
)
is<Equal<Parameters<typeof hooked.delay>, [url: string, n: number]>>()
export const hookedBound = sharedTask(
  {
    name: 'u',
    bind: true,
    unique: {
      key: (url) => {
        const s: string = url
        return s
      },
    },
  },
  async (_task: TaskContext, url: string) => ({ ok: url === '' }),
)

// --- generic and overloaded functions
export const identity = sharedTask('id', <T>(x: T) => x)
export const exactlyFive: 5 = identity(5 as const)
is<Equal<Parameters<typeof identity.delay>, [x: unknown]>>()
function over(x: string): string
function over(x: number): number
function over(x: string | number): string | number {
  return x
}
export const overloaded = sharedTask('over', over)
export const text: string = overloaded('x')
export const number: number = overloaded(1)
is<Equal<Parameters<typeof overloaded.delay>, [x: number]>>()
export const instantiated = sharedTask('idn', (<T>(x: T) => x)<number>)
is<Equal<Awaited<ReturnType<typeof instantiated.delay>>, AsyncResult<number>>>()
export const named = sharedTask(function named<T>(x: T) {
  return x
})
export const exactlySix: 6 = named(6 as const)

// --- results
export const nothing = sharedTask('v', async (_x: number) => {})
is<Equal<Awaited<ReturnType<typeof nothing.delay>>, AsyncResult<null>>>()
export const maybe = sharedTask('m', (_x: number): Page | undefined => undefined)
is<Equal<Awaited<ReturnType<typeof maybe.delay>>, AsyncResult<Page | null>>>()
export const maybeLater = sharedTask('pv', (x: number): number | Promise<number> => x)
maybeLater.delay(1).then((r) => is<Equal<typeof r, AsyncResult<number>>>())
class Doc {
  readonly title: string
  constructor(title: string) {
    this.title = title
  }
  text() {
    return this.title
  }
}
export const doc = sharedTask('d', (p: Page) => new Doc(p.title))
doc
  .delay({ url: '', title: '', fetchedAt: new Date() })
  .then((r) => r.get())
  .then((d) => {
    const t: string = d.title
    // @ts-expect-error methods do not travel
    d.text()
    return t
  })
add
  .result('an-id')
  .get()
  .then((n) => is<Equal<typeof n, number>>())
add.applyEager([1, 2]).then((r) => is<Equal<typeof r, AsyncResult<number>>>())
// @ts-expect-error checked as well
add.applyEager(['1', 2])
export async function follow(result: AsyncResult<number>) {
  for await (const update of result) {
    if (update.kind === 'succeeded') is<Equal<typeof update.value, number>>()
    if (update.kind === 'failed') is<Equal<typeof update.error, Error>>()
  }
}

// --- what is not a task
// @ts-expect-error a context without bind
sharedTask('x', (_task: TaskContext, x: number) => x)
// @ts-expect-error a context without bind
sharedTask({ name: 'x' }, (_task: TaskContext, x: number) => x)
// @ts-expect-error parameters without types
sharedTask('x', (_a, _b) => 1)
// @ts-expect-error a class
sharedTask('x', class {})
const withoutBind = sharedTask(function f(task: TaskContext) {
  return task.id
})
// @ts-expect-error a context without bind: the error shows when it is used
withoutBind.delay()

// --- retry never returns
export const retrying = sharedTask({ name: 'r', bind: true }, async (task: TaskContext, _url: string) => {
  try {
    return 5
  } catch (error) {
    task.retry({ error })
  }
})
is<Equal<Awaited<ReturnType<typeof retrying.delay>>, AsyncResult<number>>>()
export const retrying2 = sharedTask({ name: 'r', bind: true }, async (task: TaskContext, _url: string) => {
  try {
    return 5
  } catch (error) {
    throw task.retry({ error, countdown: '10s', maxRetries: null })
  }
})
is<Equal<Awaited<ReturnType<typeof retrying2.delay>>, AsyncResult<number>>>()
export const retrying3 = sharedTask({ name: 'r', bind: true }, async (task: TaskContext, _url: string) => {
  try {
    return 5
  } catch (error) {
    return task.retry({ error })
  }
})
is<Equal<Awaited<ReturnType<typeof retrying3.delay>>, AsyncResult<number>>>()
is<Equal<ReturnType<typeof currentTask>, TaskContext | undefined>>()

// --- what people do with functions
export const asFunction: (x: number, y: number) => number = add
const inc = sharedTask('math.inc', (x: number) => x + 1)
export const all: AnyTask[] = [add, fetchPage, identity, inc]
;[1, 2].map(inc)
export const applied: number = inc.apply(null, [1])
Promise.all([1, 2].map((x) => inc.delay(x))).then((rs) => Promise.all(rs.map((r) => r.get())))
// A helper over any task.
export async function run<A extends readonly unknown[], R>(task: TaskHandle<A, R>, ...args: A): Promise<R> {
  return (await task.delay(...args)).get()
}
export const ran: Promise<number> = run(add, 1, 2)
export function wrap(f: (n: number) => number): Task<(n: number) => number> {
  return sharedTask('w', f)
}

// --- arguments that are unions, objects, undefined, read-only
const union = sharedTask('u', (x: { kind: 'a'; a: number } | { kind: 'b'; b: string }) => x.kind)
union.delay({ kind: 'a', a: 1 })
const options = sharedTask('o', (id: string, opts: { retry?: boolean } = {}) => id + opts.retry)
options.delay('x')
options.delay('x', { retry: true })
const middle = sharedTask('opt', (a: number, b?: string, c = 1) => a + c + Number(b))
middle.delay(1, undefined, 2)
const list = sharedTask('s', (xs: readonly number[]) => xs.length)
list.delay([1, 2] as const)
const none = sharedTask('z', () => 1)
none.delay()
// A generator compiles, since its result has a type; it is refused when the task is defined.
sharedTask('ag', async function* (x: number) {
  yield x
})
