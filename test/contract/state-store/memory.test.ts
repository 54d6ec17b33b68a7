import { MemoryStateStore } from '../../../lib/state/memory-state-store.ts'
import { stateStoreExam } from '../../../lib/testing/exams/state-store-exam.ts'
import { FakeClock } from '../../../lib/testing/fake-clock.ts'
import { sitExam } from '../sit-exam.ts'

describe('the state store exam, in memory', () => {
  sitExam(
    stateStoreExam,
    async () => {
      const clock = new FakeClock()
      const state = new MemoryStateStore({ clock })
      await state.start()
      return { state, advance: (ms) => clock.advance(ms), stop: () => state.stop() }
    },
    { 'another participant sees the same state': 'memory is of one participant alone' },
  )
})
