import { assert } from 'chai'
import { NoApp } from '../../../lib/base/errors.ts'
import { ambient, currentApp } from '../../../lib/task/current-app.ts'
import { FakeApp, isolateTasks } from './support/fake-app.ts'

describe('currentApp', () => {
  isolateTasks()

  it('says what needs an app when there is none', () => {
    assert.throws(() => currentApp('Task "math.add"'), NoApp, /^Task "math\.add" needs an app.*new Umbel\('shop'\)/)
  })

  it('is the last one created', () => {
    const [first, second] = [new FakeApp(), new FakeApp()]
    ambient().apps.push(first, second)

    assert.strictEqual(currentApp('x'), second)

    ambient().apps.pop()
    assert.strictEqual(currentApp('x'), first)
  })

  it('is the one that runs, before all others', async () => {
    const [first, second] = [new FakeApp(), new FakeApp()]
    ambient().apps.push(first, second)

    const seen = await ambient().running.run(first, async () => {
      await Promise.resolve()
      return currentApp('x')
    })

    assert.strictEqual(seen, first)
  })

  it('is made from the environment when nobody made one', () => {
    const app = new FakeApp()
    ambient().fromEnvironment = () => app

    assert.strictEqual(currentApp('x'), app)
  })

  it('is shared with another copy of the package', async () => {
    const copy = (await import(
      `../../../lib/task/current-app.ts?copy=${process.pid}`
    )) as typeof import('../../../lib/task/current-app.ts')
    const app = new FakeApp()

    copy.ambient().apps.push(app)

    assert.notStrictEqual(copy.currentApp, currentApp)
    assert.strictEqual(currentApp('x'), app)
  })
})
