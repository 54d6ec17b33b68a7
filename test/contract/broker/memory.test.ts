import { MemoryBroker } from '../../../lib/broker/memory/memory-broker.ts'
import type { MemoryConsumer } from '../../../lib/broker/memory/memory-consumer.ts'
import { MemoryResultBackend } from '../../../lib/result/memory/memory-result-backend.ts'
import { MemoryStore } from '../../../lib/result/memory/memory-store.ts'
import { brokerExam } from '../../../lib/testing/exams/broker-exam.ts'
import type { BrokerUnderExam } from '../../../lib/testing/exams/broker-under-exam.ts'
import { FakeClock } from '../../../lib/testing/fake-clock.ts'
import { sitExam } from '../sit-exam.ts'

const alone = 'memory is of one participant alone'

describe('the broker exam, in memory', () => {
  sitExam(brokerExam, make, {
    'a message published by another participant wakes a waiting consumer': alone,
    'queues declared by one participant route for all': alone,
    'a pause by one participant holds for all at once': alone,
    'what was published before the stop is there after it': alone,
    'what a stopped participant still held comes back at once': alone,
    'what is no message is set aside with its bytes, and the good ones behind it are delivered':
      'nothing can get into memory but through publish()',
  })
})

async function make(): Promise<BrokerUnderExam> {
  const clock = new FakeClock()
  const shared = new MemoryStore({ clock })
  const broker = new MemoryBroker({ clock, shared })
  const results = new MemoryResultBackend({ clock, shared })
  await broker.start()
  return {
    broker,
    results,
    now: () => clock.now(),
    advance: (ms) => clock.advance(ms),
    hang: async (consumer) => (consumer as MemoryConsumer).hang(),
    async stop() {
      await broker.stop()
      await results.stop()
    },
  }
}
