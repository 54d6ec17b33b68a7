import { assert } from 'chai'
import { Umbel } from '../../../../lib/app/app.ts'
import { NotSupported } from '../../../../lib/base/errors.ts'
import { Beat } from '../../../../workers/beat/beat.ts'

describe('Beat', () => {
  it('refuses to be made, naming the app, until there is a scheduler', async () => {
    const app = new Umbel('shop', { broker: 'memory://' }, { env: {} })

    assert.throws(() => new Beat(app), NotSupported, /beat for app "shop".*not supported yet/)

    await app.close()
  })
})
