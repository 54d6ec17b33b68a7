import { join } from 'node:path'
import { assert } from 'chai'
import type { Settings } from '../../../lib/app/config.ts'
import { openBroker, openResultBackend, openStateStore } from '../../../lib/app/open-adapters.ts'
import { resolveSettings } from '../../../lib/app/validate-config.ts'
import { systemClock as clock } from '../../../lib/base/clock.ts'
import { InvalidSettings, NotSupported } from '../../../lib/base/errors.ts'
import type { Service } from '../../../lib/base/service.ts'
import { useTempFolders } from '../../support/temp-folder.ts'

describe('opening adapters by URL', () => {
  const tempFolder = useTempFolders()
  const opened: Service[] = []
  afterEach(async () => {
    for (const service of opened.splice(0).reverse()) await service.stop()
  })

  const optionsOf = (settings: Settings = {}) => ({
    clock,
    settings: resolveSettings([{ settings, origin: 'test' }], { what: 'the test' }).settings,
  })
  async function started<T extends Service>(opening: Promise<T>): Promise<T> {
    const service = await opening
    opened.push(service)
    await service.start()
    return service
  }

  it('sqlite: broker, results and state of one file are one store', async () => {
    const url = `sqlite://${join(tempFolder(), 'a.db')}`
    const options = optionsOf()

    const broker = await started(openBroker(url, options))
    const backend = await started(openResultBackend(url, options))
    const state = await started(openStateStore(url, options))

    assert.equal(broker.store, `sqlite:${url.slice('sqlite://'.length)}`)
    assert.equal(backend.store, broker.store)
    assert.isTrue(broker.capabilities.durable)
    await state.putIfAbsent('key', 'value')
    assert.equal(await state.get('key'), 'value')
  })

  it('memory:// belongs to one app: its broker and results share a store, those of another app do not', async () => {
    const [one, two] = [optionsOf(), optionsOf()]

    const [broker, backend, other] = [
      await started(openBroker('memory://', one)),
      await started(openResultBackend('memory://', one)),
      await started(openBroker('memory://', two)),
    ]

    assert.equal(backend.store, broker.store)
    assert.notEqual(other.store, broker.store)
  })

  it('memory://name is one store for every app of the process that names it', async () => {
    const [one, two] = [optionsOf(), optionsOf()]
    const sender = await started(openBroker('memory://shared-by-test', one))
    const worker = await started(openBroker('memory://shared-by-test', two))
    const message = {
      headers: {},
      properties: {},
      contentType: 'application/json',
      contentEncoding: 'utf-8',
      body: '[]',
    }

    await sender.publish([{ message, route: { exchange: '', routingKey: 'q' } }])

    assert.equal(worker.store, sender.store)
    assert.equal((await worker.admin.counts('q')).waiting, 1)
  })

  it('a named memory store lives while somebody uses it', async () => {
    const message = {
      headers: {},
      properties: {},
      contentType: 'application/json',
      contentEncoding: 'utf-8',
      body: '[]',
    }
    const sender = await started(openBroker('memory://lives', optionsOf()))
    const worker = await started(openBroker('memory://lives', optionsOf()))
    await sender.publish([{ message, route: { exchange: '', routingKey: 'q' } }])

    await sender.stop()

    assert.equal((await worker.admin.counts('q')).waiting, 1)
  })

  it('disabled:// keeps no results', async () => {
    const backend = await started(openResultBackend('disabled://', optionsOf()))

    assert.isFalse(backend.capabilities.keepsResults)
  })

  it('what a later version brings is not supported, what is wrong is invalid', async () => {
    const refusal = (opening: Promise<unknown>) =>
      opening.then(
        () => assert.fail('it was opened'),
        (error: unknown) => error,
      )

    for (const url of ['redis+cluster://u:hush@h', 'amqp://u:hush@h', 'pyamqp://h']) {
      for (const open of [openBroker, openResultBackend, openStateStore]) {
        const error = await refusal(open(url, optionsOf()))
        assert.instanceOf(error, NotSupported)
        assert.notInclude((error as Error).message, 'hush')
      }
    }
    const wrong = await refusal(openBroker('sqllite:///a.db', optionsOf()))
    assert.instanceOf(wrong, InvalidSettings)
    assert.include((wrong as Error).message, 'Did you mean sqlite:?')
  })
})
