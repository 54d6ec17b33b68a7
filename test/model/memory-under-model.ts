import type { Consumer } from '../../lib/broker/broker.ts'
import type { MemoryConsumer } from '../../lib/broker/memory/memory-consumer.ts'
import { FakeClock } from '../../lib/testing/fake-clock.ts'
import type { Library } from './library.ts'
import { ProcessClock } from './process-clock.ts'
import type { SeenMessage, StoreKind, StoreProcess, StoreTraits, StoreUnderModel } from './store-under-model.ts'

/** A consumer of a process that died here is one that hangs for ever: it comes back with its lease. */
export const memoryLeaseMs = 10_000

const traits: StoreTraits = {
  processes: 1,
  cannot: new Set(['reopen']),
  deathSeenWithinMs: memoryLeaseMs,
  lapseSeenWithinMs: 0,
  yieldMs: 0,
}

/** The store in memory, which has one process alone. */
async function open(library: Library): Promise<StoreUnderModel> {
  const time = new FakeClock()
  const clock = new ProcessClock(time)
  const shared = new library.MemoryStore({ clock })
  const broker = new library.MemoryBroker({ clock, shared })
  const results = new library.MemoryResultBackend({ clock, shared })
  const stateStore = new library.MemoryStateStore({ clock })
  const revoked = new library.RevokedTasks({ clock, broker, stateStore, terminate: () => {} })
  const parts = [broker, results, stateStore, revoked]
  for (const part of parts) await part.start()
  const wakes = new Map<Consumer, () => void>()
  const hang = (consumer: Consumer): void => void wakes.set(consumer, (consumer as MemoryConsumer).hang())
  const stop = async (): Promise<void> => {
    for (const part of parts.toReversed()) await part.stop()
  }
  const process: StoreProcess = {
    clock,
    broker,
    results,
    stateStore,
    revoked,
    renew(consumer) {
      if (!wakes.has(consumer)) return // renews itself
      wakes.get(consumer)!()
      hang(consumer)
    },
    hang(consumer) {
      hang(consumer)
      return () => {
        wakes.get(consumer)?.()
        wakes.delete(consumer)
      }
    },
    die(consumers) {
      for (const consumer of consumers) if (!wakes.has(consumer)) hang(consumer)
    },
    stop,
  }
  return {
    clock: time,
    join: async () => process,
    snapshot: () => ({ messages: broker.contents().map(seen), faults: [] }),
    stop,
  }
}

function seen({
  entry,
  place,
  token,
}: ReturnType<InstanceType<Library['MemoryBroker']>['contents']>[number]): SeenMessage {
  const { headers } = JSON.parse(entry.envelope) as { headers: { id: string } }
  return {
    key: `${headers.id}@${entry.queue.name}`,
    place,
    due: place === 'scheduled' ? entry.due : undefined,
    token,
    history: entry.history,
  }
}

export const memoryUnderModel: StoreKind = { name: 'memory', traits, open }
