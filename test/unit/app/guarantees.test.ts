import { assert } from 'chai'
import type { Settings } from '../../../lib/app/config.ts'
import { guaranteesOf } from '../../../lib/app/guarantees.ts'
import { resolveSettings } from '../../../lib/app/validate-config.ts'
import type { Broker, BrokerCapabilities, BrokerGuarantee } from '../../../lib/broker/broker.ts'
import type { ResultBackend } from '../../../lib/result/result-backend.ts'

const sqlite: BrokerCapabilities = {
  settlesResults: true,
  priorityOrder: 'lowest-first',
  durable: true,
  sharedByProcesses: true,
}

function guarantees(
  given: {
    settings?: Settings
    capabilities?: Partial<BrokerCapabilities>
    store?: string
    results?: string
    asked?: readonly BrokerGuarantee[]
  } = {},
) {
  const { store = 'sqlite:/a.db', results = store, asked } = given
  const { settings } = resolveSettings([{ settings: given.settings, origin: 'test' }], { what: 'the test' })
  const broker = {
    store,
    capabilities: { ...sqlite, ...given.capabilities },
    ...(asked !== undefined && { guarantees: async () => asked }),
  } as unknown as Broker
  const backend = {
    store: results,
    capabilities: { keepsResults: results !== 'disabled:', sharedByProcesses: true },
  } as unknown as ResultBackend
  return guaranteesOf(settings, broker, backend)
}

const fails = async (given: Parameters<typeof guarantees>[0]): Promise<string> =>
  (await guarantees(given))
    .filter(({ holds }) => !holds)
    .map(({ says }) => says)
    .join('\n')

describe('what holds here', () => {
  it('on the embedded store, everything but a loss of power', async () => {
    assert.match(await fails({}), /^The last calls before a loss of power may be lost; .*$/)
  })

  it('with synchronous full, a loss of power too', async () => {
    assert.equal(await fails({ settings: { brokerTransportOptions: { synchronous: 'full' } } }), '')
  })

  it('says what memory cannot', async () => {
    const missing = await fails({ store: 'memory:1', capabilities: { durable: false, sharedByProcesses: false } })

    assert.include(missing, 'lost with this process')
    assert.include(missing, 'Only this process')
    assert.notInclude(missing, 'power')
  })

  it('follows the settings', async () => {
    assert.include(await fails({ settings: { taskAcksLate: false } }), 'at most once')
    assert.include(await fails({ settings: { taskRejectOnWorkerLost: false } }), 'recorded as failed')
  })

  it('knows results apart from the broker, and none at all', async () => {
    assert.include(await fails({ results: 'sqlite:/other.db' }), 'before the acknowledgement, not with it')
    assert.include(await fails({ results: 'disabled:' }), 'Results are not kept')
  })

  it('tells what the store says of itself instead of what is usual', async () => {
    const asked = [{ holds: false, says: 'All calls are lost at midnight.' }]
    const missing = await fails({ store: 'redis://h:6379/0', asked })

    assert.equal(missing, 'All calls are lost at midnight.')
  })
})
