import { assert } from 'chai'
import { BrokerUnavailable, Closed } from '../../../lib/base/errors.ts'
import { silentLogger } from '../../../lib/base/logger.ts'
import { MemoryBroker } from '../../../lib/broker/memory/memory-broker.ts'
import { Umbel } from '../../../lib/index.ts'
import { MemoryResultBackend } from '../../../lib/result/memory/memory-result-backend.ts'
import { MemoryStore } from '../../../lib/result/memory/memory-store.ts'
import { MemoryStateStore } from '../../../lib/state/memory-state-store.ts'
import { FakeClock } from '../../../lib/testing/fake-clock.ts'
import { until } from '../../support/until.ts'

/** Refuses publications until told otherwise, and counts them. */
class RefusingBroker extends MemoryBroker {
  refuses = true
  asked = 0

  override async publish(...messages: Parameters<MemoryBroker['publish']>): Promise<void> {
    this.asked++
    if (this.refuses) throw new BrokerUnavailable('It does not answer.')
    await super.publish(...messages)
  }
}

function setUp(): { readonly app: Umbel; readonly broker: RefusingBroker; readonly clock: FakeClock } {
  const clock = new FakeClock()
  const shared = new MemoryStore({ clock })
  const broker = new RefusingBroker({ clock, shared })
  const retry = { maxRetries: null, intervalStart: '1h', intervalMax: '1h' } as const
  const app = new Umbel(
    'shop',
    { broker: 'memory://', logger: silentLogger, taskPublishRetryPolicy: retry },
    {
      clock,
      env: {},
      open: {
        broker: async () => broker,
        resultBackend: async () => new MemoryResultBackend({ clock, shared }),
        stateStore: async () => new MemoryStateStore({ clock }),
      },
    },
  )
  return { app, broker, clock }
}

describe('a call whose broker is unavailable', () => {
  it('is sent when the broker takes it again', async () => {
    const { app, broker, clock } = setUp()
    const calling = app.sendTask('shop.pack', [])
    await until(() => broker.asked > 0 && clock.pending > 0, { what: 'the wait for another try' })
    broker.refuses = false
    await clock.advance(3_600_000)

    await calling
    assert.equal((await broker.admin.counts('celery')).waiting, 1)
    await app.close()
  })

  it('is refused as closed when its app is closed meanwhile, and leaves no timer behind', async () => {
    const { app, broker, clock } = setUp()
    const calling = app.sendTask('shop.pack', []).catch((error: unknown) => error)
    await until(() => broker.asked > 0 && clock.pending > 0, { what: 'the wait for another try' })
    await app.close()

    const error = await calling
    assert.instanceOf(error, Closed)
    assert.instanceOf((error as Error).cause, BrokerUnavailable)
    assert.equal(broker.asked, 1)
    assert.equal(clock.pending, 0)
  })
})
