import { assert } from 'chai'
import { NotSupported } from '../../../lib/base/errors.ts'
import { Serializers } from '../../../lib/message/serializer.ts'

const options = { typedValues: 'kombu', maxDepth: 256 } as const

describe('Serializers', () => {
  it('have JSON at once, by name and by content type', () => {
    const serializers = new Serializers({ ...options, accept: ['json'] })

    assert.equal(serializers.loaded('json'), serializers.loaded('application/json'))
    assert.equal(serializers.accepted('application/json'), serializers.loaded('json'))
  })

  it('load MessagePack when asked, once', async () => {
    const serializers = new Serializers({ ...options, accept: ['json', 'application/x-msgpack'] })
    assert.throws(() => serializers.loaded('msgpack'), NotSupported, /load\('msgpack'\)/)
    assert.throws(() => serializers.accepted('application/x-msgpack'), NotSupported, /not loaded/)

    await serializers.loadAccepted()

    assert.equal(serializers.accepted('application/x-msgpack'), await serializers.load('msgpack'))
    assert.equal(serializers.loaded('msgpack').contentEncoding, 'binary')
  })

  it('accept only what is listed, also of what is loaded', async () => {
    const serializers = new Serializers({ ...options, accept: ['msgpack'] })
    await serializers.loadAccepted()

    assert.isUndefined(serializers.accepted('application/json'))
    assert.isUndefined(serializers.accepted('application/x-python-serialize'))
    assert.isUndefined(serializers.accepted('__proto__'))
  })

  it('refuse to load what they do not have, and say why', async () => {
    for (const [name, why] of [
      ['pickle', /runs code/],
      ['application/x-python-serialize', /runs code/],
      ['yaml', /no serializer "yaml"/],
      ['constructor', /no serializer "constructor"/],
    ] as const) {
      const serializers = new Serializers({ ...options, accept: [name] })
      assert.throws(() => serializers.loaded(name), NotSupported, why)
      assert.match(((await serializers.loadAccepted().catch((error) => error)) as Error).message, why)
    }
  })
})
