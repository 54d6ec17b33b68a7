import { assert } from 'chai'
import { z } from 'zod'
import { InvalidCall, SchemaRefused } from '../../../lib/base/errors.ts'
import { type CallInput, type CallTarget, makeCall, prepareCall } from '../../../lib/task/make-call.ts'
import { parseParams } from '../../../lib/task/params.ts'
import type { ParentTask } from '../../../lib/task/task-context.ts'
import type { TaskOptions } from '../../../lib/task/task-options.ts'
import { callDefaults, errorOf, startsAt } from './support/fake-app.ts'

const around = { defaults: callDefaults(), now: startsAt }
const target = (options: TaskOptions = {}, more: Partial<CallTarget> = {}): CallTarget => ({
  name: 'math.add',
  fn: () => {},
  options,
  ...more,
})
const make = (options: CallInput = {}, task: TaskOptions = {}, more: object = {}) =>
  makeCall(target(task), [1, 2], options, { ...around, ...more })
const parent: ParentTask = { id: 'parent', rootId: 'root', priority: 7, noteChild() {} }

describe('makeCall', () => {
  it('says everything that a call says when it says nothing', () => {
    const call = make()

    assert.match(call.id, /^[0-9a-f]{8}-[0-9a-f]{4}-7/)
    assert.deepEqual(call, {
      task: 'math.add',
      id: call.id,
      args: [1, 2],
      kwargs: {},
      embed: {},
      destination: { queue: undefined, exchange: undefined, routingKey: undefined },
      eta: undefined,
      expires: undefined,
      retries: 0,
      timeLimits: {},
      serializer: 'json',
      compression: undefined,
      priority: undefined,
      deliveryMode: 2,
      ignoreResult: false,
      shadow: undefined,
      group: undefined,
      groupIndex: undefined,
      rootId: call.id,
      parentId: undefined,
      replyTo: undefined,
      origin: undefined,
      replacedTaskNesting: 0,
      stampedHeaders: undefined,
      stamps: {},
      headers: {},
      argsRepr: undefined,
      kwargsRepr: undefined,
      properties: {},
    })
    assert.notEqual(make().id, call.id)
  })

  it('makes relative times absolute', () => {
    assert.deepInclude(make({ countdown: '10s', expires: 60 }), { eta: startsAt + 10_000, expires: startsAt + 60_000 })
    const date = new Date(startsAt + 5)
    assert.deepInclude(make({ eta: date, expires: date }), { eta: startsAt + 5, expires: startsAt + 5 })
    assert.equal(make({ eta: '2030-01-01T00:00:01' }).eta, startsAt + 1000, 'without an offset it is UTC')
    assert.equal(make({ countdown: 0 }).eta, startsAt)
  })

  it('takes the call over the task over the app', () => {
    const defaults = callDefaults({ serializer: 'msgpack', compression: 'zlib', ignoreResult: true, deliveryMode: 1 })
    const task: TaskOptions = { serializer: 'json', priority: 3, expires: '1m' }

    assert.deepInclude(make({}, {}, { defaults }), {
      serializer: 'msgpack',
      compression: 'zlib',
      ignoreResult: true,
      deliveryMode: 1,
    })
    assert.deepInclude(make({}, task, { defaults }), { serializer: 'json', priority: 3, expires: startsAt + 60_000 })
    assert.deepInclude(make({ serializer: 'msgpack', priority: 0, expires: '2m', ignoreResult: false }, task), {
      serializer: 'msgpack',
      priority: 0,
      expires: startsAt + 120_000,
      ignoreResult: false,
    })
  })

  it('lets a call that names a queue answer for the whole destination', () => {
    const task: TaskOptions = { queue: 'own', routingKey: 'own.key' }

    assert.deepEqual(make({}, task).destination, { queue: 'own', exchange: undefined, routingKey: 'own.key' })
    assert.deepEqual(make({ queue: 'other' }, task).destination, {
      queue: 'other',
      exchange: undefined,
      routingKey: undefined,
    })
    assert.deepEqual(make({ exchange: 'x' }, task).destination, { queue: 'own', exchange: 'x', routingKey: 'own.key' })
  })

  it('writes time limits only where the call says them: without, the task’s own hold', () => {
    assert.deepEqual(make({}, { timeLimit: 5 }).timeLimits, {})
    assert.deepEqual(make({ timeLimit: '30s', softTimeLimit: 20 }).timeLimits, { hard: 30, soft: 20 })
    assert.deepEqual(make({ softTimeLimit: 20 }).timeLimits, { hard: undefined, soft: 20 })
  })

  it('embeds links as they are: Celery fixes no ids for them', () => {
    const link = { task: 'cap.mul', args: [10], kwargs: {}, options: {}, subtask_type: null, immutable: false }

    const { embed } = make({ link: link as never, linkError: [link, link] as never })

    assert.deepEqual(embed, { callbacks: [link], errbacks: [link, link], chain: undefined, chord: undefined })
  })

  it('passes headers, properties and names to show on', () => {
    const call = make({
      headers: { 'x-trace': 1 },
      shadow: 'pretty',
      replyTo: 'q',
      messageId: 'm',
      timestamp: 5,
      argsRepr: '(***)',
      kwargsRepr: '{}',
    })

    assert.deepInclude(call, { shadow: 'pretty', replyTo: 'q', argsRepr: '(***)', kwargsRepr: '{}' })
    assert.deepEqual(call.headers, { 'x-trace': 1 })
    assert.deepEqual(call.properties, { messageId: 'm', timestamp: 5 })
  })

  it('belongs to the task that makes it', () => {
    assert.deepInclude(make({}, {}, { parent }), { rootId: 'root', parentId: 'parent', priority: undefined })
  })

  it('takes the parent’s priority only where the app says so, and nothing else says one', () => {
    const defaults = callDefaults({ inheritParentPriority: true })

    assert.equal(make({}, {}, { parent, defaults }).priority, 7)
    assert.equal(make({}, { priority: 2 }, { parent, defaults }).priority, 2)
    assert.equal(make({ priority: 0 }, {}, { parent, defaults }).priority, 0)
  })

  it('of a task that lives elsewhere knows only what it is told', () => {
    const call = makeCall(
      { name: 'py tasks:build' },
      [1],
      { kwargs: { x: 1 } },
      {
        ...around,
        defaults: callDefaults({ annotations: { '*': { queue: 'x' } } }),
      },
    )

    assert.deepInclude(call, { task: 'py tasks:build', kwargs: { x: 1 } })
    assert.isUndefined(call.destination.queue)
  })

  it('refuses bad calls', () => {
    const refused = (run: () => unknown, type: typeof InvalidCall | typeof TypeError, reason: RegExp) =>
      assert.throws(run, type as ErrorConstructor, reason)

    refused(() => make({ countdown: 1, eta: new Date() }), InvalidCall, /both countdown and eta/)
    refused(
      () => makeCall(target(), 5 as never, {}, around),
      InvalidCall,
      /Arguments of math\.add must be a list, not 5\. Write \[5\]/,
    )
    refused(() => makeCall(target(), 'ab' as never, {}, around), InvalidCall, /must be a list/)
    refused(() => make({ kwargs: [] as never }), InvalidCall, /kwargs of math\.add must be an object, not a list/)
    refused(() => makeCall({ name: '' }, [], {}, around), InvalidCall, /task's name is text/)
    refused(() => makeCall({ name: 'a\nb' }, [], {}, around), InvalidCall, /task's name is text/)
    refused(() => make({ kwargs: { y: 1 } }), TypeError, /math\.add\(\) got an unexpected keyword argument 'y'/)
  })

  it('checks arguments where params are known', () => {
    const params = parseParams(['x', 'y', '*', 'deep?'])
    const call = (args: unknown[], options: CallInput = {}, task: TaskOptions = {}) =>
      makeCall(target(task, { params }), args, options, around)

    assert.deepInclude(call([1], { kwargs: { y: 2, deep: 1 } }), { args: [1], kwargs: { y: 2, deep: 1 } })
    assert.deepInclude(call([1, 2, { deep: 1 }]), { args: [1, 2], kwargs: { deep: 1 } })
    assert.throws(() => call([1]), TypeError, "math.add() missing 1 required argument: 'y'")
    assert.deepInclude(
      call([1], {}, { typing: false }),
      { args: [1], kwargs: {} },
      'typing: false leaves it to the worker',
    )
  })

  it('takes hostile names as names', () => {
    const params = parseParams(['**others'])
    const kwargs = JSON.parse('{"__proto__": {"polluted": 1}}') as Record<string, unknown>

    const call = makeCall(target({}, { params }), [], { kwargs }, around)

    assert.deepEqual(Object.keys(call.kwargs), ['__proto__'])
    assert.isUndefined(({} as { polluted?: unknown }).polluted)
  })
})

describe('prepareCall', () => {
  const input = z.object({ email: z.string() })
  const slow = z.object({ email: z.string().refine(async (email) => email !== 'taken') })

  it('is synchronous but where a schema is not', async () => {
    assert.notInstanceOf(prepareCall(target(), [1, 2], {}, around), Promise)
    assert.notInstanceOf(prepareCall(target({}, { input }), [{ email: 'a' }], {}, around), Promise)
    const call = await prepareCall(target({}, { input: slow }), [{ email: 'a' }], { countdown: 1 }, around)
    assert.deepInclude(call, { args: [], kwargs: { email: 'a' }, eta: startsAt + 1000 })
  })

  it('refuses what the schema refuses', async () => {
    assert.throws(() => prepareCall(target({}, { input }), [{ email: 5 }], {}, around), SchemaRefused, /email/)
    const error = await errorOf(() => prepareCall(target({}, { input: slow }), [{ email: 'taken' }], {}, around))
    assert.instanceOf(error, SchemaRefused)
  })

  it('with typing: false leaves the schema to the worker', () => {
    assert.deepInclude(prepareCall(target({ typing: false }, { input }), [{ email: 5 }], {}, around), {
      args: [{ email: 5 }],
    })
  })
})
