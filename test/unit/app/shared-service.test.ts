import { assert } from 'chai'
import { SharedService } from '../../../lib/app/shared-service.ts'
import { Closed } from '../../../lib/base/errors.ts'
import type { Service } from '../../../lib/base/service.ts'

class Counter implements Service {
  stops = 0
  readonly started: string[] = []
  #value = 0

  async start(): Promise<void> {}
  async stop(): Promise<void> {
    this.stops++
  }
  add(): number {
    return ++this.#value
  }
  async subscribe(name: string): Promise<Service> {
    this.started.push(name)
    return { start: async () => {}, stop: async () => void this.started.splice(this.started.indexOf(name), 1) }
  }
}

describe('SharedService', () => {
  it('handles act on one service, private state included', () => {
    const shared = new SharedService(new Counter(), () => {})
    const [one, two] = [shared.hold(), shared.hold()]

    one.add()

    assert.equal(two.add(), 2)
  })

  it('the last handle that stops, stops the service; stopping twice counts once', async () => {
    const counter = new Counter()
    let last = 0
    const shared = new SharedService(counter, () => last++)
    const [one, two] = [shared.hold(), shared.hold()]

    await one.stop()
    await one.stop()
    assert.deepEqual([counter.stops, last], [0, 0])
    await two.stop()

    assert.deepEqual([counter.stops, last], [1, 1])
  })

  it('stopping a handle stops what was started through it, and nothing else', async () => {
    const counter = new Counter()
    const shared = new SharedService(counter, () => {})
    const [one, two] = [shared.hold(), shared.hold()]
    await one.subscribe('one')
    await two.subscribe('two')

    await one.stop()

    assert.deepEqual(counter.started, ['two'])
  })

  it('a stopped handle refuses, the others go on', async () => {
    const shared = new SharedService(new Counter(), () => {})
    const [one, two] = [shared.hold(), shared.hold()]

    await one.stop()

    assert.throws(() => one.add(), Closed)
    assert.instanceOf(await one.start().catch((error: Error) => error), Closed)
    assert.equal(two.add(), 1)
  })
})
