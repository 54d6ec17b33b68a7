import { assert } from 'chai'
import { Connections, type ConnectionsParts } from '../../../lib/app/connections.ts'
import { silentLogger } from '../../../lib/base/logger.ts'
import { FakeClock } from '../../../lib/testing/fake-clock.ts'

describe('Connections', () => {
  it('stop what could not be started, and open another at the next use', async () => {
    const steps: string[] = []
    const broker = () => {
      const name = `broker ${steps.filter((step) => step.startsWith('open')).length + 1}`
      steps.push(`open ${name}`)
      return {
        async start() {
          if (name === 'broker 1') throw new Error('nobody there')
        },
        async stop() {
          steps.push(`stop ${name}`)
        },
      }
    }
    const connections = new Connections({
      settings: { brokerUrl: 'memory://' },
      clock: new FakeClock(),
      logger: silentLogger,
      open: { broker: async () => broker() },
    } as unknown as ConnectionsParts)

    const failed = await connections.broker().catch((error: Error) => error.message)
    await connections.broker()
    await connections.close()

    assert.equal(failed, 'nobody there')
    assert.deepEqual(steps, ['open broker 1', 'stop broker 1', 'open broker 2', 'stop broker 2'])
  })
})
