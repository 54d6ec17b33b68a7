import { assert } from 'chai'
import { z } from 'zod'
import { InvalidCall, NotSupported } from '../../../lib/base/errors.ts'
import { type AnySignature, signatureFromWire } from '../../../lib/canvas/signature.ts'
import { sharedTask } from '../../../lib/task/shared-task.ts'
import { signatureSender } from '../../../lib/task/signature-sender.ts'
import { runInContext } from '../../../lib/task/task-context.ts'
import { currentFakeApp, errorOf, type FakeApp, isolateTasks, startsAt } from './support/fake-app.ts'
import { fakeContext } from './support/fake-context.ts'

const addTask = () => sharedTask({ name: 'math.add', queue: 'math' }, (x: number, y: number) => x + y)
const revive = (app: FakeApp, data: object) =>
  signatureFromWire(
    data,
    signatureSender(() => app),
  )

describe('signatures of a task', () => {
  isolateTasks()

  it('s is Celery’s data of a call, with nothing in it that was not said', () => {
    assert.deepEqual(addTask().s(1, 2).toJSON(), {
      task: 'math.add',
      args: [1, 2],
      kwargs: {},
      options: {},
      subtask_type: null,
      immutable: false,
    })
  })

  it('si is the same, immutable', () => {
    assert.isTrue(addTask().si(1, 2).toJSON().immutable)
  })

  it('signature takes options, keyword arguments and immutable', () => {
    const build = sharedTask({ name: 'build', params: ['year', 'format?'] }, (year: number, format?: string) => [
      year,
      format,
    ])

    const data = build.signature([2026], { kwargs: { format: 'pdf' }, countdown: '5s', immutable: true }).toJSON()

    assert.deepInclude(data, { args: [2026], kwargs: { format: 'pdf' }, options: { countdown: 5 }, immutable: true })
  })

  it('takes by-name arguments out of the last object, so that other languages can bind them', () => {
    const task = sharedTask({ name: 'n', params: ['x', '*', 'deep?'] }, (x: number, _o: { deep?: boolean }) => x)

    assert.deepInclude(task.s(1, { deep: true }).toJSON(), { args: [1], kwargs: { deep: true } })
  })

  it('is sent as its task is called: with the task’s options and checks', async () => {
    const app = currentFakeApp()

    await addTask().s(2).applyAsync([1], { countdown: 5, priority: 4 })

    assert.deepInclude(app.lastCall, { task: 'math.add', args: [1, 2], eta: startsAt + 5000, priority: 4 })
    assert.equal(app.lastCall.destination.queue, 'math')
  })

  it('is checked by params and schema when it is sent', async () => {
    const app = currentFakeApp()
    const build = sharedTask({ name: 'build', params: ['year', 'format'] }, (year: number, format: string) => [
      year,
      format,
    ])
    const invite = sharedTask({ name: 'invite', input: z.object({ email: z.string() }) }, (i) => i.email)

    await invite.s({ email: 'a' }).delay()
    assert.instanceOf(await errorOf(() => (build.s('pdf') as AnySignature).applyAsync([])), TypeError)

    assert.deepEqual(
      app.sent.map(({ args, kwargs }) => ({ args, kwargs })),
      [{ args: [], kwargs: { email: 'a' } }],
    )
  })

  it('belongs to the running task, which is told of it', async () => {
    const app = currentFakeApp()
    const children: unknown[] = []
    const worker = fakeContext({ id: 'w', rootId: 'r' }, { noteChild: (tuple) => void children.push(tuple) })

    const result = await runInContext(worker, () => addTask().s(1, 2).delay())

    assert.deepInclude(app.lastCall, { rootId: 'r', parentId: 'w' })
    assert.deepEqual(children, [[[result.id, null], null]])
  })

  it('revived from elsewhere keeps its ids, links and stamps', async () => {
    const app = currentFakeApp()
    const link = { task: 'cap.mul', args: [10], kwargs: {}, options: {}, subtask_type: null, immutable: false }

    await revive(app, {
      task: 'cap.add',
      args: [1],
      kwargs: { y: 2 },
      options: {
        task_id: 'fixed',
        reply_to: 'me',
        link: [link],
        link_error: link,
        expires: 60,
        retries: 1,
        root_id: 'r',
        group_id: 'g',
        group_index: 2,
        stamped_headers: ['tenant'],
        tenant: 'a',
      },
    }).delay()

    assert.deepInclude(app.lastCall, {
      task: 'cap.add',
      id: 'fixed',
      args: [1],
      kwargs: { y: 2 },
      replyTo: 'me',
      expires: startsAt + 60_000,
      retries: 1,
      rootId: 'r',
      group: 'g',
      groupIndex: 2,
      stampedHeaders: ['tenant'],
      stamps: { tenant: 'a' },
    })
    assert.deepEqual(app.lastCall.embed.callbacks, [link])
    assert.deepEqual(app.lastCall.embed.errbacks, [link])
  })

  it('revived from elsewhere is refused when its options are wrong', async () => {
    const app = currentFakeApp()
    const sig = revive(app, { task: 'cap.add', options: { countdown: 'soon' } })

    assert.instanceOf(await errorOf(() => sig.applyAsync([])), InvalidCall)
    assert.isEmpty(app.sent)
  })

  it('of a kind that a later version brings is kept, but not sent', async () => {
    const app = currentFakeApp()
    const data = {
      task: 'celery.chain',
      args: [],
      kwargs: { tasks: [] },
      options: {},
      subtask_type: 'chain',
      immutable: false,
    }
    const sig = revive(app, data)

    assert.deepEqual(sig.toJSON(), data)
    const error = await errorOf(() => sig.applyAsync([]))
    assert.instanceOf(error, NotSupported)
    assert.match(error.message, /kind "chain" are not supported yet/)
  })
})
