import { Umbel } from 'umbel'
import { FakeClock } from 'umbel/testing'

/** Stands for a result backend of the project's own: the memory one, which needs nothing. */
export async function myResults() {
  const clock = new FakeClock()
  const app = new Umbel('mine', { broker: 'memory:' }, { clock })
  const backend = await app.resultBackend()
  return { backend, now: () => clock.now(), advance: (ms) => clock.advance(ms), stop: () => app.close() }
}
