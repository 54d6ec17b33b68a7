import { brokerExam } from '../../../lib/testing/exams/broker-exam.ts'
import type { BrokerUnderExam } from '../../../lib/testing/exams/broker-under-exam.ts'
import { FakeClock } from '../../../lib/testing/fake-clock.ts'
import { sitExam } from '../../contract/sit-exam.ts'
import { FakeBroker } from './fake-broker.ts'
import type { FakeConsumer } from './fake-consumer.ts'
import { FakeResults } from './fake-results.ts'
import { FakeStore } from './fake-store.ts'
import { Link } from './link.ts'

describe('the broker exam, on the kind side of the fake broker', () => {
  sitExam(brokerExam, make, {
    'what is no message is set aside with its bytes, and the good ones behind it are delivered':
      'nothing can get into the fake but through publish()',
  })
})

let stores = 0

async function make(): Promise<BrokerUnderExam> {
  const clock = new FakeClock()
  const store = new FakeStore(clock, `exam-${++stores}`)
  const brokers: FakeBroker[] = []
  const join = async (): Promise<FakeBroker> => {
    const broker = new FakeBroker({ store, clock })
    brokers.push(broker)
    await broker.start()
    return broker
  }
  const results = new FakeResults(new Link(store, undefined), store.name)
  return {
    broker: await join(),
    results,
    join,
    now: () => clock.now(),
    advance: (ms) => clock.advance(ms),
    hang: async (consumer) => (consumer as FakeConsumer).hang(),
    async stop() {
      for (const broker of brokers) await broker.stop()
      await results.stop()
      store.stop()
    },
  }
}
