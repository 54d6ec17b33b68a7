import { assert } from 'chai'
import { z } from 'zod'
import { InvalidCall, InvalidTask, NoApp } from '../../../lib/base/errors.ts'
import { ambient } from '../../../lib/task/current-app.ts'
import { isTask, makeTaskFactory, remoteTask, sharedTask } from '../../../lib/task/shared-task.ts'
import { currentTask, runInContext, type TaskContext } from '../../../lib/task/task-context.ts'
import { currentFakeApp, errorOf, FakeApp, isolateTasks } from './support/fake-app.ts'
import { fakeContext } from './support/fake-context.ts'

const definitionOf = (name: string) => ambient().sharedTasks.get(name)!
// What is refused at run time is mostly refused by the compiler too.
const untyped = sharedTask as unknown as (...given: unknown[]) => never

describe('sharedTask', () => {
  isolateTasks()

  it('takes a name and a function', () => {
    const add = sharedTask('math.add', (x: number, y: number) => x + y)

    assert.equal(add(2, 3), 5)
    assert.equal(add.taskName, 'math.add')
    assert.deepInclude(definitionOf('math.add'), { name: 'math.add', bind: false, params: undefined })
  })

  it('takes a named function', () => {
    const hello = sharedTask(function hello(name: string) {
      return `hello ${name}`
    })

    assert.equal(hello.taskName, 'hello')
    assert.equal(hello('you'), 'hello you')
  })

  it('takes options and a function', () => {
    sharedTask({ name: 'web.fetch', queue: 'web', params: ['url', 'depth?'] }, (_url: string, _depth?: number) => 1)

    const { options, params } = definitionOf('web.fetch')
    assert.deepEqual(options, { name: 'web.fetch', queue: 'web' })
    assert.deepEqual(params?.positional, [
      { name: 'url', optional: false },
      { name: 'depth', optional: true },
    ])
  })

  it('takes the function’s own name where the options have none', () => {
    const task = sharedTask({ queue: 'web' }, function fetchPage() {})

    assert.equal(task.taskName, 'fetchPage')
  })

  it('remembers where a task was defined', () => {
    sharedTask('math.add', () => 1)

    assert.match(definitionOf('math.add').definedAt, /test\/unit\/task\/shared-task\.test\.ts:\d+$/)
  })

  it('says both places when two tasks have one name', () => {
    sharedTask('math.add', () => 1)

    assert.throws(
      () => sharedTask('math.add', () => 2),
      InvalidTask,
      /one at .*shared-task\.test\.ts:\d+, another at .*shared-task\.test\.ts:\d+/,
    )
  })

  it('takes parameters that the function has defaults for as optional', () => {
    sharedTask({ name: 'build', params: ['year', 'format'] }, (_year: number, _format = 'pdf') => 1)
    sharedTask({ name: 'wrapped', params: ['x', 'y'] }, (...args: [number, number]) => args)

    assert.deepEqual(
      definitionOf('build').params?.positional.map((param) => param.optional),
      [false, true],
    )
    assert.deepEqual(
      definitionOf('wrapped').params?.positional.map((param) => param.optional),
      [false, false],
    )
  })

  const refused: [given: unknown[], reason: RegExp][] = [
    [[() => 1], /^A task is not defined right: it has no name: name the function, or write sharedTask\('app\.name'/],
    [['1math', () => 1], /its name must be letters, digits.*not "1math"/],
    [['a'.repeat(256), () => 1], /its name must be letters/],
    [['math add', () => 1], /its name must be letters/],
    [['a', class A {}], /a class is not a task/],
    [['a', function* gen() {}], /a generator is not a task/],
    [['a', async function* gen() {}], /a generator is not a task/],
    [[{ name: 'a', params: ['x'] }, (_x: number, _y: number) => 1], /params name 1 of the 2 arguments of the function/],
    [[{ name: 'a', params: ['x', 'x'] }, () => 1], /params: 'x' stands there twice/],
    [[{ name: 'a', input: {} }, () => 1], /input must be a Standard Schema/],
    [[{ name: 'a', output: 5 }, () => 1], /output must be a Standard Schema/],
    [[{ name: 'a', input: z.string(), params: ['x'] }, (x: string) => x], /both params and input/],
    [[{ name: 'a', bind: 'yes' }, () => 1], /bind must be true or false, not "yes"/],
    [[{ name: 'a', rateLimit: '1/s' }, () => 1], /^Task "a" is not defined right: rateLimit is not supported yet\.$/],
    [[{ name: 'a', unique: true }, () => 1], /unique is not supported yet/],
    [[{ name: 'a', maxRetrys: 1, timeLimit: '5 s' }, class {}], /for 3 reasons: a class.*; "maxRetrys".*; timeLimit/],
    [['a'], /A task is made of a function/],
    [['a', 'b'], /A task is made of a function/],
    [[() => 1, { name: 'a' }], /A task is made of a function/],
    [[5, () => 1], /A task is made of a function/],
    [[null], /A task is made of a function/],
  ]
  for (const [given, reason] of refused)
    it(`refuses ${reason}`, () => {
      assert.throws(() => untyped(...given), InvalidTask, reason)
      assert.isEmpty([...ambient().sharedTasks])
    })

  it('with(…) is the same with defaults', () => {
    const mailTask = sharedTask.with({ queue: 'mail', maxRetries: 9 }).with({ maxRetries: 1 })
    mailTask('mail.send', () => 1)
    mailTask({ name: 'mail.slow', queue: 'slow' }, () => 1)

    assert.deepInclude(definitionOf('mail.send').options, { queue: 'mail', maxRetries: 1 })
    assert.deepInclude(definitionOf('mail.slow').options, { queue: 'slow', maxRetries: 1 })
    assert.throws(() => sharedTask.with({ maxRetrys: 1 } as object), InvalidTask, /maxRetrys/)
    assert.throws(() => sharedTask.with({ name: 'x' }), InvalidTask, /default name/)
  })

  it('belongs to whichever app is current when it is called', async () => {
    const add = sharedTask('math.add', (x: number, y: number) => x + y)
    assert.instanceOf(await errorOf(() => add.delay(1, 2)), NoApp)
    const first = currentFakeApp()
    const second = currentFakeApp()

    await add.delay(1, 2)
    await ambient().running.run(first, () => add.delay(3, 4))

    assert.deepEqual(
      second.sent.map((call) => call.args),
      [[1, 2]],
    )
    assert.deepEqual(
      first.sent.map((call) => call.args),
      [[3, 4]],
    )
  })

  it('tasks of an app belong to it, whichever is current', async () => {
    const app = new FakeApp()
    currentFakeApp()
    const task = makeTaskFactory({ register: (definition) => app.tasks.register(definition), app: () => app })
    const add = task('math.add', (x: number) => x)

    await add.delay(1)

    assert.lengthOf(app.sent, 1)
    assert.isUndefined(definitionOf('math.add'))
    assert.throws(() => task('math.add', () => 1), InvalidTask, /Two tasks/)
  })

  it('knows a task from a function', () => {
    assert.isTrue(isTask(sharedTask('a', () => 1)))
    assert.isFalse(isTask(() => 1))
    assert.isFalse(isTask({}))
  })
})

describe('remoteTask', () => {
  isolateTasks()

  it('sends by name, with its own options and params', async () => {
    const app = currentFakeApp()
    const build = remoteTask<(year: number, format?: string) => string, ['year', 'format?']>('reports.build', {
      queue: 'py',
      params: ['year', 'format?'],
    })

    await build.delay(2026)
    await build.applyAsync([], { kwargs: { year: 2027 } })
    await build.s(2028).delay()

    assert.equal(build.taskName, 'reports.build')
    assert.deepEqual(
      app.sent.map(({ task, args, kwargs, destination }) => [task, args, kwargs, destination.queue]),
      [
        ['reports.build', [2026], {}, 'py'],
        ['reports.build', [], { year: 2027 }, 'py'],
        ['reports.build', [2028], {}, 'py'],
      ],
    )
    const error = await errorOf(() => build.applyAsync([], { kwargs: { format: 'pdf' } as never }))
    assert.instanceOf(error, TypeError)
  })

  it('without params passes arguments as they are', async () => {
    const app = currentFakeApp()
    const build = remoteTask<(year: number) => string>('reports.build')

    await build.applyAsync([1], { kwargs: { anything: 1 } as never })

    assert.deepInclude(app.lastCall, { args: [1], kwargs: { anything: 1 } })
  })

  it('takes any name that a Python task may have', () => {
    assert.equal(remoteTask('мой модуль.задача').taskName, 'мой модуль.задача')
  })

  it('refuses wrong options', () => {
    assert.throws(() => remoteTask(''), InvalidTask, /name of a remote task/)
    assert.throws(() => remoteTask('a\nb'), InvalidTask)
    assert.throws(() => remoteTask('a', { timeLimit: 5 } as object), InvalidTask, /can't be given timeLimit here/)
    assert.throws(() => remoteTask('a', { quue: 'x' } as object), InvalidTask, /did you mean "queue"/)
    assert.throws(() => remoteTask('a', { params: ['x', 'x'] }), InvalidTask, /Remote task "a" has wrong params/)
  })
})

describe('a task', () => {
  isolateTasks()

  it('is still the function: name, length, call, apply, bind and this', () => {
    const task = sharedTask(
      'scale',
      Object.defineProperty(
        function (this: { by: number }, x: number) {
          return x * this.by
        },
        'name',
        { value: 'scale' },
      ),
    )

    assert.equal(task.name, 'scale')
    assert.equal(task.length, 1)
    assert.equal(task.call({ by: 2 }, 3), 6)
    assert.equal(task.apply({ by: 2 }, [3]), 6)
    assert.equal(task.bind({ by: 3 })(3), 9)
    const holder = { by: 4, task }
    assert.equal(holder.task(3), 12)
    assert.instanceOf(task, Function)
    assert.notProperty(task, 'then')
  })

  it('called directly throws and rejects as the function does', async () => {
    const fails = sharedTask('fails', () => {
      throw new RangeError('boom')
    })
    const rejects = sharedTask('rejects', async () => {
      throw new RangeError('boom')
    })

    assert.throws(() => fails(), RangeError)
    assert.instanceOf(await errorOf(() => rejects()), RangeError)
  })

  it('called directly gets a context of its own, when bound', () => {
    const bound = sharedTask({ name: 'b', bind: true, maxRetries: null }, (task: TaskContext, x: number) => ({
      task,
      x,
    }))

    const { task, x } = bound(5)

    assert.equal(x, 5)
    assert.deepInclude(task, { name: 'b', args: [5], retries: 0, maxRetries: null, isDirect: true, isEager: false })
    assert.isFalse(task.signal.aborted)
    assert.notEqual(bound(5).task.id, task.id)
    assert.equal(bound.length, 1)
  })

  it('called directly is the current task, direct, for all below it', async () => {
    const below = async () => {
      await Promise.resolve()
      return currentTask()
    }
    const plain = sharedTask('plain', (_x: number) => below())

    const seen = await plain(5)

    assert.deepInclude(seen, { name: 'plain', args: [5], isDirect: true, parentId: undefined })
    assert.isUndefined(currentTask())
  })

  it('called directly in a running task is aborted and logs with it, and belongs to it', () => {
    const worker = fakeContext({ id: 'w', rootId: 'r', signal: AbortSignal.abort() })
    const plain = sharedTask('plain', () => currentTask())

    const seen = runInContext(worker, plain)

    assert.deepInclude(seen, { name: 'plain', isDirect: true, rootId: 'r', parentId: 'w', log: worker.log })
    assert.isTrue(seen?.signal.aborted)
  })

  it('can be stubbed in a user’s tests', () => {
    const add = sharedTask('add', (x: number) => x)
    const stub = async () => undefined as never

    add.delay = stub

    assert.strictEqual(add.delay, stub)
    assert.deepEqual(Object.keys(add), ['delay'].slice(1))
  })

  it('has methods that may be passed on by themselves', async () => {
    const app = currentFakeApp()
    const { delay, s } = sharedTask('add', (x: number) => x)

    await Promise.all([1, 2].map((x) => delay(x)))
    await s(3).delay()

    assert.deepEqual(
      app.sent.map((call) => call.args),
      [[1], [2], [3]],
    )
  })

  it('a bad call rejects and sends nothing', async () => {
    const app = currentFakeApp()
    const build = sharedTask({ name: 'build', params: ['year'] }, (year: number) => year)

    for (const run of [
      () => (build.delay as () => Promise<unknown>)(),
      () => build.applyAsync([1], { cuontdown: 5 } as object),
      () => build.applyAsync([1], { expires: 'soon' as never }),
      () => build.applyAsync(5 as never),
      () => build.applyAsync([1], { link: build as never }),
    ]) {
      const promise = run()
      assert.instanceOf(promise, Promise, 'it rejects rather than throws')
      assert.instanceOf(await errorOf(() => promise), Error)
    }
    assert.isEmpty(app.sent)
  })

  it('validates by its schema and sends the input form', async () => {
    const app = currentFakeApp()
    const invite = sharedTask({ name: 'invite', input: z.object({ at: z.coerce.date() }) }, (i) => i.at)

    await invite.delay({ at: '2030-01-01' })

    assert.deepInclude(app.lastCall, { args: [], kwargs: { at: '2030-01-01' } })
    assert.isNotEmpty(await errorOf(() => invite.delay({ at: 'never' })))
    assert.lengthOf(app.sent, 1)
    const direct = invite({ at: new Date(5) })
    assert.deepEqual(direct, new Date(5), 'a direct call skips the schema')
  })

  it('makes handles from ids', () => {
    currentFakeApp()
    const add = sharedTask('add', (x: number) => x)

    assert.equal(add.result('some-id').id, 'some-id')
    assert.throws(() => add.result('' as string), InvalidCall)
  })

  it('runs eagerly by its app', async () => {
    const app = currentFakeApp()
    const add = sharedTask('add', (x: number) => x)

    const result = await add.applyEager([1], { countdown: 1 })

    assert.equal(result.id, 'eager')
    assert.deepEqual(app.eager, [{ definition: definitionOf('add'), args: [1], options: { countdown: 1 } }])
  })
})
