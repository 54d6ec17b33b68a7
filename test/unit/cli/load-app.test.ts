import { assert } from 'chai'
import { Umbel } from '../../../lib/app/app.ts'
import { LoadFailed } from '../../../lib/base/errors.ts'
import { appOf } from '../../../workers/cli/load-app.ts'

describe('the app of -A', () => {
  let one: Umbel
  let two: Umbel
  before(() => {
    one = new Umbel('one', { broker: 'memory://' })
    two = new Umbel('two', { broker: 'memory://' })
  })
  after(async () => {
    await one.close()
    await two.close()
  })

  it("is the module's default, else its `app`, else its only one", () => {
    assert.equal(appOf({ default: one, app: two, other: two }, 'm'), one)
    assert.equal(appOf({ app: two, other: one }, 'm'), two)
    assert.equal(appOf({ shop: one, tasks: {}, n: 5, nothing: null }, 'm'), one)
  })

  it('may be exported under two names', () => {
    assert.equal(appOf({ shop: one, store: one }, 'm'), one)
  })

  it('is found in what a CommonJS module exports', () => {
    assert.equal(appOf({ default: { app: one } }, 'm'), one)
    assert.equal(appOf({ default: { shop: two } }, 'm'), two)
  })

  it('several are refused by their names', () => {
    assert.throws(
      () => appOf({ shop: one, mail: two }, './m.ts'),
      LoadFailed,
      './m.ts exports several apps: shop, mail. Export the one to run as `app`',
    )
  })

  it('none is refused with what there is instead', () => {
    assert.throws(
      () => appOf({ shop: { name: 'x' }, run() {} }, './m.ts'),
      LoadFailed,
      './m.ts exports no app. It exports shop, run. Write: export const app = new Umbel(',
    )
    assert.throws(() => appOf({}, './m.ts'), LoadFailed, 'It exports nothing.')
  })

  it('may be of another copy of the package', () => {
    const method = () => undefined
    const foreign = { settings: {}, sendTask: method, broker: method, resultBackend: method, close: method }

    assert.equal(appOf({ app: foreign }, 'm') as unknown, foreign)
  })
})
