import { assert } from 'chai'
import { InvalidTask, NotRegistered } from '../../../lib/base/errors.ts'
import { ambient } from '../../../lib/task/current-app.ts'
import type { TaskDefinition } from '../../../lib/task/task-definition.ts'
import { registerSharedTask, TaskRegistry } from '../../../lib/task/task-registry.ts'
import { currentFakeApp, isolateTasks } from './support/fake-app.ts'

const definition = (name: string, definedAt = 'here.ts:1'): TaskDefinition => ({
  name,
  definedAt,
  fn: () => {},
  options: {},
  bind: false,
  params: undefined,
  input: undefined,
  output: undefined,
})

describe('TaskRegistry', () => {
  isolateTasks()

  it('finds its own tasks and those that belong to no app, also later ones', () => {
    const tasks = new TaskRegistry()
    const own = definition('own')
    const shared = definition('shared')

    tasks.register(own)
    registerSharedTask(shared)

    assert.strictEqual(tasks.find('own'), own)
    assert.strictEqual(tasks.get('shared'), shared)
    assert.deepEqual(tasks.names(), ['own', 'shared'])
    assert.deepEqual([...tasks], [own, shared])
    assert.isUndefined(tasks.find('other'))
    assert.isUndefined(tasks.find('__proto__'))
  })

  it('keeps the tasks of one app from another', () => {
    const [first, second] = [new TaskRegistry(), new TaskRegistry()]

    first.register(definition('a'))
    second.register(definition('a'))

    assert.notStrictEqual(first.get('a'), second.get('a'))
  })

  it('says which name was meant when there is none', () => {
    const tasks = new TaskRegistry()
    tasks.register(definition('math.add'))

    assert.throws(
      () => tasks.get('math.ad'),
      NotRegistered,
      /No task is named "math\.ad" here\. Did you mean "math\.add"\?/,
    )
    assert.throws(() => tasks.get('web.fetchPage'), NotRegistered, /Import the module that defines it/)
  })

  describe('refuses two tasks of one name, naming both places', () => {
    const both = /Two tasks are named "a": one at first\.ts:1, another at second\.ts:2\./

    it('of one app', () => {
      const tasks = new TaskRegistry()
      tasks.register(definition('a', 'first.ts:1'))

      assert.throws(() => tasks.register(definition('a', 'second.ts:2')), InvalidTask, both)
    })

    it('that belong to no app', () => {
      registerSharedTask(definition('a', 'first.ts:1'))

      assert.throws(() => registerSharedTask(definition('a', 'second.ts:2')), InvalidTask, both)
    })

    it('of an app and of none, whichever comes first', () => {
      registerSharedTask(definition('a', 'first.ts:1'))
      assert.throws(() => new TaskRegistry().register(definition('a', 'second.ts:2')), InvalidTask, both)

      const app = currentFakeApp()
      app.tasks.register(definition('b'))
      assert.throws(() => registerSharedTask(definition('b')), InvalidTask, /named "b"/)
    })
  })

  it('replaces them during a reload', () => {
    const [before, after] = [definition('a'), definition('a')]
    const tasks = new TaskRegistry({ replace: true })
    tasks.register(before)
    tasks.register(after)
    assert.strictEqual(tasks.get('a'), after)

    registerSharedTask(definition('b'))
    ambient().replaceTasks = true
    const reloaded = definition('b')
    registerSharedTask(reloaded)
    assert.strictEqual(ambient().sharedTasks.get('b'), reloaded)
  })

  it('tells listeners of each shared task', () => {
    const heard: string[] = []
    ambient().onSharedTask.add(({ name }) => heard.push(name))

    registerSharedTask(definition('a'))

    assert.deepEqual(heard, ['a'])
  })
})
