import { assert } from 'chai'
import { transformSync } from 'esbuild'
import { InvalidTask } from '../../../lib/base/errors.ts'
import { ambient } from '../../../lib/task/current-app.ts'
import { sharedTask, tasksOf } from '../../../lib/task/shared-task.ts'
import { currentFakeApp, isolateTasks } from './support/fake-app.ts'

const source = `
class Reports {
  @sharedTask static plain(a) { return a * Reports.factor }
  @sharedTask({ queue: 'reports', params: ['year', 'format?'] })
  static async build(year, format = 'pdf') { return this.helper(year, format) }
  @sharedTask({ bind: true }) static bound(task, x) { return [task.name, x] }
  @sharedTask({ name: 'other.name' }) static named() {}
  @sharedTask() static empty(a) { return a }
  static asField = sharedTask({ name: 'Reports.asField' }, (x) => x)
  static helper(year, format) { return year + format }
  static factor = 2
}`

function compiled(code: string, experimentalDecorators: boolean, name = 'Reports'): any {
  const tsconfigRaw = { compilerOptions: { experimentalDecorators } }
  const { code: script } = transformSync(code, { loader: 'ts', target: 'es2022', tsconfigRaw })
  return new Function('sharedTask', `${script}; return ${name}`)(sharedTask)
}

for (const [kind, isLegacy] of [
  ['TC39', false],
  ['experimental', true],
] as const)
  describe(`sharedTask as a decorator, ${kind}`, () => {
    isolateTasks()

    it('makes static methods tasks, named after class and method', async () => {
      const app = currentFakeApp()
      const Reports = compiled(source, isLegacy)

      assert.deepEqual([...ambient().sharedTasks.keys()].sort(), [
        'Reports.asField',
        'Reports.bound',
        'Reports.build',
        'Reports.empty',
        'Reports.plain',
        'other.name',
      ])
      await Reports.build.applyAsync([], { kwargs: { year: 2026 } })
      assert.deepInclude(app.lastCall, { task: 'Reports.build', kwargs: { year: 2026 } })
      assert.equal(app.lastCall.destination.queue, 'reports')
    })

    it('keeps the methods callable, with their this and their context', async () => {
      const Reports = compiled(source, isLegacy)
      const { plain, build } = Reports

      assert.equal(Reports.plain(4), 8)
      assert.equal(plain(4), 8)
      assert.equal(await Reports.build(2026), '2026pdf')
      assert.equal(await build(2026, 'html'), '2026html', 'without a this it is the class')
      assert.deepEqual(Reports.bound(5), ['Reports.bound', 5])
      assert.equal(Reports.build.name, 'build')
    })

    it('gives workers a function that needs no this', async () => {
      compiled(source, isLegacy)
      const { fn } = ambient().sharedTasks.get('Reports.build')!

      assert.equal(await (fn as (year: number) => unknown)(2026), '2026pdf')
    })

    it('knows where it stands', () => {
      compiled(source, isLegacy)

      assert.isNotEmpty(ambient().sharedTasks.get('Reports.build')!.definedAt)
    })

    it('calls an inherited method with the class that it is called on', () => {
      const Base = compiled(
        `class Base { static own = 1; @sharedTask static own1() { return this.own } }; class Derived extends Base { static own = 2 }`,
        isLegacy,
        '[Base, Derived]',
      )

      assert.equal(Base[0].own1(), 1)
      assert.equal(Base[1].own1(), 2)
    })

    const refused: [code: string, reason: RegExp][] = [
      ['class Reports { @sharedTask inst() {} }', /inst"? can't be a task: only public static methods can/],
      ['class Reports { @sharedTask({ queue: "x" }) inst() {} }', /only public static methods can/],
      ['class Reports { @sharedTask static get x() { return 1 } }', /only public static methods can/],
      ['class Reports { @sharedTask({ maxRetrys: 3 }) static x() {} }', /Task "Reports\.x".*did you mean "maxRetries"/],
      ['class Reports { @sharedTask static [Symbol.iterator]() {} }', /it has no name/],
      ['class Reports { @sharedTask static *x() {} }', /a generator is not a task/],
    ]
    for (const [code, reason] of refused)
      it(`refuses ${code}`, () => {
        assert.throws(() => compiled(code, isLegacy), InvalidTask, reason)
      })

    it('tasksOf gives the tasks among the static members, and refuses the others when they are used', () => {
      const Reports = compiled(source, isLegacy)

      const tasks = tasksOf(Reports) as Record<string, { taskName: string }>
      const { plain, asField } = tasks

      assert.strictEqual(plain, Reports.plain)
      assert.strictEqual(asField, Reports.asField)
      assert.sameMembers(Object.keys(tasks), ['plain', 'build', 'bound', 'named', 'empty', 'asField'])
      assert.throws(() => tasks['helper'], InvalidTask, /^Reports\.helper is not a task\. Decorate it/)
    })

    it('tasksOf finds inherited tasks', () => {
      const [Base, Derived] = compiled(
        'class Base { @sharedTask static a() {} }; class Derived extends Base { @sharedTask static b() {} }',
        isLegacy,
        '[Base, Derived]',
      )

      assert.sameMembers(Object.keys(tasksOf(Derived)), ['a', 'b'])
      assert.sameMembers(Object.keys(tasksOf(Base)), ['a'])
    })
  })

describe('sharedTask as a decorator, TC39', () => {
  isolateTasks()

  it('refuses private methods, fields and classes', () => {
    for (const code of [
      'class Reports { @sharedTask static #x() {} }',
      'class Reports { @sharedTask static x = 1 }',
      '@sharedTask class Reports {}',
    ])
      assert.throws(() => compiled(code, false), InvalidTask, /only public static methods can/)
  })

  it('refuses a task that is used before its class is there', () => {
    const code = 'class Reports { @((task) => { task.delay = 1; task.taskName }) @sharedTask static x() {} }'

    assert.throws(() => compiled(code, false), InvalidTask, /The task x was used before its class was defined/)
  })
})
