import { MemoryBroker } from '../../../lib/broker/memory/memory-broker.ts'
import type { MemoryConsumer } from '../../../lib/broker/memory/memory-consumer.ts'
import { SqliteBroker } from '../../../lib/broker/sqlite/sqlite-broker.ts'
import { MemoryResultBackend } from '../../../lib/result/memory/memory-result-backend.ts'
import { MemoryStore } from '../../../lib/result/memory/memory-store.ts'
import { SqliteResultBackend } from '../../../lib/result/sqlite/sqlite-result-backend.ts'
import { FakeClock } from '../../../lib/testing/fake-clock.ts'
import { storeFolder } from '../../support/store-folder.ts'
import { Chaos, type FaultKind } from '../unkind-broker/chaos.ts'
import { FakeBroker } from '../unkind-broker/fake-broker.ts'
import type { FakeConsumer } from '../unkind-broker/fake-consumer.ts'
import { FakeResults } from '../unkind-broker/fake-results.ts'
import { FakeStore } from '../unkind-broker/fake-store.ts'
import { Link } from '../unkind-broker/link.ts'
import { Random } from '../virtual-clock/random.ts'
import { VirtualTime } from '../virtual-clock/virtual-time.ts'
import type { Candidate } from './run-commands.ts'

/** Turns of the event loop in which everything that a store of this process does has arrived. */
const turns = 8

async function settledSoon<T>(promise: Promise<T>): Promise<T> {
  const result = await promise
  for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve))
  return result
}

export async function memoryCandidate(): Promise<Candidate> {
  const clock = new FakeClock()
  const shared = new MemoryStore({ clock })
  const broker = new MemoryBroker({ clock, shared })
  const results = new MemoryResultBackend({ clock, shared })
  return {
    broker,
    results,
    now: () => clock.now(),
    advance: (ms) => clock.advance(ms),
    hang: (consumer) => void (consumer as MemoryConsumer).hang(),
    settled: settledSoon,
    async stop() {
      await broker.stop()
      await results.stop()
    },
  }
}

export async function sqliteCandidate(): Promise<Candidate> {
  const { path, remove } = storeFolder()
  const clock = new FakeClock()
  const results = new SqliteResultBackend({ path, clock })
  const brokers: SqliteBroker[] = []
  // A connection of its own, as another process has: stores are shared by clock.
  const join = async (): Promise<SqliteBroker> => {
    const broker = new SqliteBroker({ path, clock: brokers.length === 0 ? clock : sameTime(clock) })
    brokers.push(broker)
    await broker.start()
    return broker
  }
  await results.start()
  return {
    broker: await join(),
    results,
    join,
    now: () => clock.now(),
    advance: (ms) => clock.advance(ms),
    // Only a thread renews leases, and there is none here.
    hang: () => {},
    settled: settledSoon,
    async stop() {
      for (const broker of brokers) await broker.stop()
      await results.stop()
      remove()
    },
  }
}

function sameTime(clock: FakeClock): FakeClock {
  return new Proxy(clock, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target)
      return typeof member === 'function' ? member.bind(target) : member
    },
  })
}

let stores = 0

/** What the contract leaves to a broker. */
export interface FakeChoices {
  readonly promotesLate: boolean
  readonly yieldsDue: boolean
}

/** The fake, kind. */
export async function fakeCandidate({ promotesLate, yieldsDue }: FakeChoices): Promise<Candidate> {
  const clock = new FakeClock()
  const store = new FakeStore(clock, `conformance-${++stores}`, { promotesLate })
  const broker = new FakeBroker({ store, clock, yieldsDue })
  return {
    broker,
    results: new FakeResults(new Link(store, undefined), store.name),
    join: async () => new FakeBroker({ store, clock, yieldsDue }),
    now: () => clock.now(),
    advance: (ms) => clock.advance(ms),
    hang: (consumer) => void (consumer as FakeConsumer).hang(),
    settled: settledSoon,
    async stop() {
      await broker.stop()
      store.stop()
    },
  }
}

const unkindness: readonly FaultKind[] = [
  'publish refused',
  'publish stored, reply lost',
  'settle refused',
  'settle done, reply lost',
  'claim refused',
]

/** The fake with everything that may go wrong, by a seed, on virtual time. */
export async function unkindCandidate(seed: string, rate: number): Promise<Candidate> {
  const time = new VirtualTime(new FakeClock().now())
  const random = new Random(seed)
  const store = new FakeStore(time.clock, `conformance-${++stores}`, {
    promotesLate: random.chance(0.5),
    share: () => 0.5 + random.next() / 2,
  })
  const chaos = new Chaos(random, new Set(unkindness), rate, 0)
  const host = time.host(() => {})
  const network = { time, host, chaos, deadlineMs: 20 }
  const broker = new FakeBroker({ store, clock: host.clock, network, yieldsDue: random.chance(0.5) })
  /** Timers of the next moments are what is on its way. */
  const runFor = async (ms: number): Promise<void> => {
    const until = time.monotonic() + ms
    // Again and again, since what arrives now sends more on its way.
    for (let quiet = 0; quiet < 3; ) {
      let isThere = false
      time.after(until - time.monotonic(), () => {
        isThere = true
      })
      let steps = 0
      for (; !isThere; steps++) {
        time.step()
        await new Promise((resolve) => setImmediate(resolve))
      }
      quiet = steps === 1 ? quiet + 1 : 0
    }
  }
  return {
    broker,
    results: new FakeResults(new Link(store, undefined), store.name),
    now: time.now,
    advance: runFor,
    hang: (consumer) => void (consumer as FakeConsumer).hang(),
    async settled(promise) {
      let isSettled = false
      const settled = (): void => {
        isSettled = true
      }
      promise.then(settled, settled)
      await runFor(0)
      // Nobody answers: its deadline comes.
      while (!isSettled) await runFor(network.deadlineMs)
      return promise
    },
    async stop() {
      host.kill()
      store.stop()
    },
  }
}
