// biome-ignore-all lint/nursery/noFloatingPromises: compiled, never run
import { remoteTask, sharedTask, type TaskContext } from 'umbel'
import {
  assertEnqueued,
  assertNothingEnqueued,
  type OneRun,
  runTask,
  startTesting,
  type TaskArgs,
  type Testing,
  type TestingOptions,
} from 'umbel/testing'
import { z } from 'zod'
import { type Equal, type IsAny, is } from './equal.ts'

class Money {
  readonly amount: number = 1
  format(): string {
    return String(this.amount)
  }
}

const send = sharedTask(
  { name: 'mail.send', bind: true },
  async (task: TaskContext, to: string, copies?: number) => `${to} ${copies} ${task.id}`,
)
const price = sharedTask('shop.price', (_item: string) => new Money())
const signUp = sharedTask({ name: 'users.signUp', input: z.object({ email: z.string() }) }, (user) => user.email.length)
const elsewhere = remoteTask<(year: number) => string>('reports.build')
declare const test: Testing

// --- arguments are those of delay(): without the context
is<Equal<TaskArgs<typeof send>, readonly [to: string, copies?: number | undefined]>>()
assertEnqueued(send, ['a@b.c'])
assertEnqueued(send, ['a@b.c', 2], { queue: 'mail', countdown: '5m', priority: 3, count: 1 })
assertEnqueued(send)
assertEnqueued(signUp, [{ email: 'a@b.c' }])
assertEnqueued(elsewhere, [2026])
test.assertEnqueued(send, ['a@b.c'])
// @ts-expect-error no number
assertEnqueued(send, [1])
// @ts-expect-error too many
assertEnqueued(send, ['a@b.c', 2, 3])
// @ts-expect-error too few
assertEnqueued(send, [])
// @ts-expect-error not the schema's
assertEnqueued(signUp, [{ mail: 'a@b.c' }])
// @ts-expect-error a text is no number
assertEnqueued(elsewhere, ['2026'])
// @ts-expect-error no such option
assertEnqueued(send, ['a@b.c'], { que: 'mail' })
// @ts-expect-error no unit
assertEnqueued(send, ['a@b.c'], { countdown: '5 minutes' })
// @ts-expect-error no task
assertEnqueued(() => 1, [])
assertNothingEnqueued(send)
assertNothingEnqueued('by.name')

// --- a run has what the wire keeps of the result
const sent = await runTask(send, ['a@b.c'], { retries: 2, attempt: 1, signal: AbortSignal.abort() })
is<Equal<typeof sent.value, string>>()
const priced = await runTask(price, ['tea'])
is<Equal<typeof priced.value.amount, number>>()
// @ts-expect-error methods do not travel
priced.value.format()
const signedUp = await test.runTask(signUp, [{ email: 'a@b.c' }])
is<Equal<IsAny<typeof signedUp.value>, false>>()
is<Equal<typeof signedUp, OneRun<number>>>()
if (sent.ending.kind === 'retried') is<Equal<typeof sent.ending.retry.countdown, number>>()
// @ts-expect-error no number
runTask(send, [1])
// @ts-expect-error no such option
runTask(send, ['a@b.c'], { tries: 1 })

// --- durations are written
test.clock.advance('10m')
// @ts-expect-error a bare number has no unit here
test.clock.advance(600)
test.drain({ timeout: '1s' })
startTesting(undefined, { startsAt: new Date(), concurrency: 1 } satisfies TestingOptions)
// @ts-expect-error a name is no app
startTesting('shop')
