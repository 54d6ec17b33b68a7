// biome-ignore-all lint/nursery/noFloatingPromises: compiled, never run
import { type } from 'arktype'
import { type AsyncResult, sharedTask, type TaskContext } from 'umbel'
import * as v from 'valibot'
import { z } from 'zod'
import { type Equal, is } from './equal.ts'

// --- an object schema is the one argument: input in delay, output in the function
export const invite = sharedTask(
  { name: 'invite', input: z.object({ email: z.string(), at: z.coerce.date(), n: z.number().default(3) }) },
  async (i) => {
    const d: Date = i.at
    const n: number = i.n
    return { ok: n > 0, d }
  },
)
invite.delay({ email: 'a', at: '2026-01-01' })
invite
  .delay({ email: 'a', at: new Date(), n: 4 })
  .then((r) => is<Equal<typeof r, AsyncResult<{ ok: boolean; d: Date }>>>())
// @ts-expect-error email is missing
invite.delay({ at: 'x' })
invite.applyAsync([], { kwargs: { email: 'a', at: '2026-01-01' } })
// @ts-expect-error email is missing
invite.applyAsync([], { kwargs: { at: '2026-01-01' } })

// --- a tuple schema is all arguments
export const mul = sharedTask({ name: 'mul', input: z.tuple([z.number(), z.coerce.number()]) }, (a, b) => a * b)
mul.delay(1, '2')
export const product: number = mul(1, 2)
// @ts-expect-error the function takes numbers
mul(1, '2')
// @ts-expect-error a tuple has no names
mul.applyAsync([], { kwargs: { a: 1 } })

export const vb = sharedTask(
  { name: 'vb', bind: true, input: v.object({ url: v.pipe(v.string(), v.url()) }) },
  async (task, i) => {
    await task.progress(1)
    return i.url
  },
)
vb.delay({ url: 'x' }).then((r) => is<Equal<typeof r, AsyncResult<string>>>())
export const ark = sharedTask({ name: 'ark', input: type({ url: 'string', 'depth?': 'number' }) }, async (i) => i.url)
ark.delay({ url: 'x' })
ark.delay({ url: 'x', depth: 1 })
// @ts-expect-error url is text
ark.delay({ url: 1 })

// --- output
export const io = sharedTask(
  { name: 'io', input: z.object({ a: z.number() }), output: z.object({ when: z.coerce.date() }) },
  async (_i) => ({ when: '2026' as unknown }),
)
io.delay({ a: 1 }).then((r) => is<Equal<typeof r, AsyncResult<{ when: Date }>>>())
export const ioBound = sharedTask(
  { name: 'io2', bind: true, input: z.object({ a: z.number() }), output: z.object({ when: z.coerce.date() }) },
  async (_task: TaskContext, i) => ({ when: i.a as unknown }),
)
ioBound.delay({ a: 1 }).then((r) => is<Equal<typeof r, AsyncResult<{ when: Date }>>>())
const wrong = { name: 'io', input: z.object({ a: z.number() }), output: z.object({ when: z.number() }) }
// @ts-expect-error the output schema takes no text
sharedTask(wrong, async (_i) => ({ when: 'x' }))
// @ts-expect-error no such option
sharedTask({ name: 'io', inputs: z.object({ a: z.number() }) }, async (_i: { a: number }) => 1)
export const fromInvite = [invite.s({ email: 'a', at: '2026-01-01' }), invite.si({ email: 'b', at: '2026' })]
