import { assert } from 'chai'
import { BrokerUnavailable, Closed, Unroutable } from '../../../../lib/base/errors.ts'
import { type Logger, silentLogger } from '../../../../lib/base/logger.ts'
import type { Outgoing, Settlement } from '../../../../lib/broker/broker.ts'
import type { StoredRecord } from '../../../../lib/result/result-record.ts'
import { FakeClock } from '../../../../lib/testing/fake-clock.ts'
import { Settler } from '../../../../workers/request/settle.ts'
import { StubBroker } from '../../../support/stub-broker.ts'

const outgoing = { message: {}, route: { exchange: '', routingKey: 'q' } } as unknown as Outgoing

function record(id: string): StoredRecord {
  return { id, state: 'SUCCESS', document: '{}', contentType: 'application/json' }
}

function done(key: number, more: Partial<Settlement> = {}): Settlement {
  return { claim: { key, token: 1, queue: 'q' }, disposition: 'done', ...more }
}

interface Line {
  readonly level: string
  readonly message: string
}

function settling(broker = new StubBroker(), backendStore = broker.store) {
  const clock = new FakeClock()
  const lines: Line[] = []
  const at = (level: string) => (_fields: object, message?: string) =>
    void lines.push({ level, message: message ?? '' })
  const logger: Logger = { ...silentLogger, info: at('info'), warn: at('warn'), error: at('error') }
  const settler = new Settler({ broker, backend: broker.backend(backendStore), clock, logger })
  const settle = (key: number, more?: Partial<Settlement>): void =>
    settler.settle({ id: `id-${key}`, task: 't' }, done(key, more))
  return { broker, clock, lines, settler, settle }
}

describe('Settler', () => {
  it('gathers for 2 ms', async () => {
    const { broker, clock, settle } = settling()
    settle(1)
    settle(2)

    await clock.advance(1)
    assert.isEmpty(broker.calls)
    await clock.advance(1)

    assert.deepEqual(broker.calls, ['settle 2'])
  })

  it('goes at once when told that the worker is idle, and when a batch is full', async () => {
    const { broker, clock, settler, settle } = settling()
    settle(1)
    settler.flush()
    for (let key = 0; key < 256; key++) settle(key)
    await clock.advance(0)

    assert.deepEqual(broker.calls, ['settle 1', 'settle 256'])
    assert.equal(settler.pending, 0)
  })

  it('puts records and follow-ups into the same act where both are one store', async () => {
    const { broker, settler, settle } = settling()
    settle(1, { record: record('id-1'), publish: [outgoing] })
    await settler.drain()

    assert.deepEqual(broker.calls, ['settle 1'])
    assert.deepEqual(broker.settled[0]![0], done(1, { record: record('id-1'), publish: [outgoing] }))
  })

  it('stores, then publishes, then acknowledges where they are two', async () => {
    const { broker, settler, settle } = settling(new StubBroker(), 'stub:2')
    settle(1, { record: record('id-1'), publish: [outgoing] })
    settle(2)
    await settler.drain()

    assert.deepEqual(broker.calls, ['keep 1', 'publish 1', 'settle 2'])
    assert.deepEqual(broker.settled[0], [done(1), done(2)])
  })

  it('stores and publishes for a message that was acknowledged before it ran', async () => {
    const { broker, settler, settle } = settling()
    settler.leave({ id: 'id-1', task: 't' }, { record: record('id-1'), publish: [outgoing] })
    settler.leave({ id: 'id-2', task: 't' }, {})
    settle(3)
    await settler.drain()

    assert.deepEqual(broker.calls, ['keep 1', 'publish 1', 'settle 1'])
  })

  it('asks again with growing pauses while the store is down, says so once, and goes on where it was', async () => {
    const { broker, clock, lines, settler, settle } = settling(new StubBroker(), 'stub:2')
    broker.failures.publish.push(...Array.from({ length: 3 }, () => new BrokerUnavailable('down')))
    settle(1, { record: record('id-1'), publish: [outgoing] })
    settle(2, { record: record('id-2') })
    settler.flush()

    await clock.advance(50 + 100)
    assert.equal(settler.pending, 2)
    await clock.advance(200)

    assert.deepEqual(broker.calls, ['keep 2', 'publish 1', 'publish 1', 'publish 1', 'publish 1', 'settle 2'])
    assert.deepEqual(
      lines.map(({ level }) => level),
      ['error', 'info'],
    )
  })

  it('lets what cannot be stored hurt only itself, and sets it aside', async () => {
    const { broker, settler, settle } = settling()
    broker.check = (batch) => {
      if (batch.some(({ publish }) => publish !== undefined)) throw new Unroutable('no queue "nowhere"')
    }
    settle(1)
    settle(2, { publish: [outgoing] })
    settle(3)
    await settler.drain()

    const settled = broker.settled.flat()
    assert.deepEqual(settled.map(({ claim }) => claim.key).sort(), [1, 2, 3])
    const aside = settled.find(({ claim }) => claim.key === 2)!
    assert.deepInclude(aside, { disposition: 'dead-letter', reason: 'rejected' })
    assert.match(aside.detail!, /no queue "nowhere"/)
  })

  it('logs a claim that passed to another worker, and nothing more', async () => {
    const { broker, lines, settler, settle } = settling()
    broker.reply = ({ claim }) => (claim.key === 1 ? 'lost' : 'settled')
    settle(1)
    settle(2)
    await settler.drain()

    assert.lengthOf(lines, 1)
    assert.match(lines[0]!.message, /passed to another worker/)
  })

  it('tells how a settlement went that was waited for', async () => {
    const { broker, settler } = settling()
    broker.reply = () => 'lost'
    const reply = settler.confirm({ id: 'id-1', task: 't' }, done(1))

    assert.equal(await reply, 'lost')
  })

  it('brings what a slot waits for at the end of the turn, together with what else came in it', async () => {
    const { broker, settler } = settling()
    const replies = [1, 2, 3].map((key) => settler.confirm({ id: `id-${key}`, task: 't' }, done(key)))

    await Promise.all(replies)

    assert.deepEqual(broker.calls, ['settle 3'])
  })

  it('gives up when told to stop, and when the broker is closed, and says what is left', async () => {
    const { broker, clock, lines, settler, settle } = settling()
    broker.failures.settle.push(new BrokerUnavailable('down'), new BrokerUnavailable('down'))
    const giveUp = new AbortController()
    settle(1)
    const drained = settler.drain(giveUp.signal)
    await clock.advance(10)
    giveUp.abort()
    await drained

    assert.equal(settler.pending, 0)
    assert.match(lines.at(-1)!.message, /delivered again/)

    const closed = settling()
    closed.broker.failures.settle.push(new Closed('closed'))
    closed.settle(1)
    await closed.settler.drain()
    assert.equal(closed.settler.pending, 0)
  })

  it('waits with any number of batches for the end of an outage, without a warning of Node’s', async () => {
    const warnings: Error[] = []
    const onWarning = (warning: Error): void => void warnings.push(warning)
    process.on('warning', onWarning)
    const { broker, clock, settler, settle } = settling()
    for (let key = 0; key < 12; key++) {
      broker.failures.settle.push(new BrokerUnavailable('down'))
      settle(key)
      settler.flush()
    }

    await clock.advance(10)
    assert.equal(settler.pending, 12)
    await clock.advance(100)
    process.off('warning', onWarning)

    assert.equal(settler.pending, 0)
    assert.deepEqual(warnings, [])
  })
})
