import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import { assert } from 'chai'
import { systemClock } from '../../../../lib/base/clock.ts'
import { SqliteBroker } from '../../../../lib/broker/sqlite/sqlite-broker.ts'
import { openLease } from '../../../../lib/broker/sqlite/sqlite-lease.ts'
import { consume, messageTo, settle } from '../../../../lib/testing/exams/broker-under-exam.ts'
import { storeFolder } from '../../../support/store-folder.ts'
import { until } from '../../../support/until.ts'

describe('the lease on claims of an embedded store', () => {
  let folder: ReturnType<typeof storeFolder>
  let broker: SqliteBroker
  beforeEach(async () => {
    folder = storeFolder()
    broker = new SqliteBroker({ path: folder.path, clock: systemClock })
    await broker.start()
    await broker.publish([messageTo('q', 'a')])
  })
  afterEach(async () => {
    await broker.stop()
    folder.remove()
  })

  it('is renewed often enough to survive two renewals that fail', async () => {
    const { consumer } = await consume(broker, { leaseMs: 3_000 })
    assert.isAtMost(consumer.lease!.renewEveryMs * 3, 3_000)
    const usual = await consume(broker, { leaseMs: 10_000 })
    assert.equal(usual.consumer.lease!.renewEveryMs, 3_000)
  })

  it('survives being cloned, and is of a module that a thread can load', async () => {
    const { consumer } = await consume(broker, {})
    const { url, data } = consumer.lease!
    assert.deepEqual(structuredClone(data), data)
    const module = (await import(url)) as { openLease: unknown }
    assert.isFunction(module.openLease)
  })

  it('holds while it is renewed, and lapses when it is not', async () => {
    const holding = await consume(broker, { leaseMs: 800, prefetch: 1 })
    const held = await holding.inbox.next()
    const lease = openLease(holding.consumer.lease!.data)
    const other = await consume(broker)
    const from = performance.now()
    await until(async () => (await lease.renew()) && performance.now() - from > 1_500, { what: 'renewals' })
    assert.lengthOf(other.inbox.all, 0)

    const again = await other.inbox.next()

    assert.deepEqual([again.redelivered, again.losses], [true, 1])
    assert.isFalse(await lease.renew(), 'the owner was declared dead')
    assert.equal(await settle(broker, held), 'lost')
    await lease.close()
  })

  it('is renewed from a thread while the main thread stands still', async () => {
    const holding = await consume(broker, { leaseMs: 1_000, prefetch: 1 })
    const held = await holding.inbox.next()
    const thread = startLeaseThread(holding.consumer.lease!)
    await new Promise((resolve) => thread.once('message', resolve))

    const until = performance.now() + 1_800
    while (performance.now() < until) Math.sqrt(2)
    const other = await consume(broker)

    assert.equal(await settle(broker, held), 'settled')
    assert.lengthOf(other.inbox.all, 0)
    await thread.terminate()
  })
})

/** A plain thread that renews every 100 ms; tells when it has begun. */
function startLeaseThread({ url, data }: { url: string; data: unknown }): Worker {
  // By its place in the package: require() would find the form for CommonJS, which a thread can't use.
  const tsx = dirname(createRequire(import.meta.url).resolve('tsx/package.json'))
  const loader = pathToFileURL(join(tsx, 'dist/esm/api/index.mjs')).href
  const code = `
    const { parentPort, workerData } = require('node:worker_threads')
    import(${JSON.stringify(loader)}).then(async ({ register }) => {
      register()
      const { openLease } = await import(workerData.url)
      const lease = openLease(workerData.data)
      setInterval(() => lease.renew(), 100)
      lease.renew()
      parentPort.postMessage('renewing')
    })`
  return new Worker(code, { eval: true, workerData: { url, data }, execArgv: [] })
}
