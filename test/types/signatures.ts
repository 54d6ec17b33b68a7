// biome-ignore-all lint/nursery/noFloatingPromises: compiled, never run
import { type AnySignature, type AsyncResult, type Signature, sharedTask } from 'umbel'
import { type Equal, is } from './equal.ts'

interface Page {
  url: string
  title: string
}
const add = sharedTask('math.add', (x: number, y: number) => x + y)
const fetchPage = sharedTask('fetchPage', async (url: string): Promise<Page> => ({ url, title: '' }))
const parse = sharedTask('parse', (page: Page, depth = 1) => ({ title: page.title, words: depth }))
const store = sharedTask('store', (_doc: { title: string }) => 'id')
const notify = sharedTask('notify', () => true)
const alert = sharedTask('alert', (_id: string) => {})

// --- partial application: what is left out comes in front
is<Equal<ReturnType<typeof add.si>, Signature<any, number>>>()
const sum = add.s(1, 2)
is<Equal<typeof sum, Signature<[], number>>>()
sum.delay().then((r) => is<Equal<typeof r, AsyncResult<number>>>())
const plusTwo = add.s(2)
is<Equal<typeof plusTwo, Signature<[x: number], number>>>()
plusTwo.delay(1)
plusTwo.applyAsync([1], { countdown: 3 })
// @ts-expect-error the first argument is missing
plusTwo.delay()
// @ts-expect-error a suffix of add must be a number
add.s('x')
// @ts-expect-error too many
add.s(1, 2, 3)
parse.s(3).delay({ url: '', title: '' })
const opt = sharedTask('opt', (x: number, _y?: number) => x)
const five = opt.s(5)
five.delay()
five.delay(3)
// @ts-expect-error wrong type in front
five.delay('x')
const rest = sharedTask('rest', (sep: string, ..._xs: number[]) => sep)
const numbers = rest.s(1, 2)
numbers.delay(',')
numbers.delay(',', 3, 4)
// @ts-expect-error the separator is missing
numbers.delay()
const options = sharedTask('o', (id: string, _opts: { retry?: boolean } = {}) => id)
options.s({ retry: true }).delay('x')

// --- links take what the task returns
add.applyAsync([1, 2], { link: add.s(4) })
add.applyAsync([1, 2], { link: [add.s(4), notify.si()] })
// @ts-expect-error store takes no number
add.applyAsync([1, 2], { link: store.s() })
add.s(1, 2).link(add.s(4)).onError(alert.s()).set({ queue: 'math', countdown: '1s' }).delay()
// @ts-expect-error store takes no number
add.s(1, 2).link(store.s())
add.applyAsync([1, 2], { linkError: alert.s() })
// @ts-expect-error an error link gets an id
add.applyAsync([1, 2], { linkError: add.s(1) })
fetchPage.s('u').link(parse.s())
// @ts-expect-error a number into a page
add.s(1, 2).link(parse.s())

// --- the long form
add.signature([1, 2], { queue: 'math' }).delay()
add.signature([2]).delay(1)
const build = sharedTask(
  { name: 'b', params: ['year', 'format?'] },
  (year: number, format?: string) => `${year}${format}`,
)
build.signature([], { kwargs: { year: 2026 } }).delay()
// @ts-expect-error wrong value
build.signature([], { kwargs: { year: '2026' } })
// @ts-expect-error add has no params
add.signature([1], { kwargs: { y: 1 } })

// --- any signature
export const steps: AnySignature[] = [add.s(1, 2), parse.s(), notify.si()]
export const pages = ['a', 'b'].map((url) => fetchPage.s(url))
const { task, args } = add.s(1, 2).toJSON()
is<Equal<typeof task, string>>()
is<Equal<typeof args, readonly unknown[]>>()
const union = sharedTask('u', (x: { kind: 'a'; a: number } | { kind: 'b'; b: string }) => x.kind)
union.s({ kind: 'b', b: '' })
notify.s().delay()
