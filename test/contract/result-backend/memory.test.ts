import { MemoryResultBackend } from '../../../lib/result/memory/memory-result-backend.ts'
import { resultBackendExam } from '../../../lib/testing/exams/result-backend-exam.ts'
import { FakeClock } from '../../../lib/testing/fake-clock.ts'
import { sitExam } from '../sit-exam.ts'

describe('the result backend exam, in memory', () => {
  sitExam(
    resultBackendExam,
    async () => {
      const clock = new FakeClock()
      const backend = new MemoryResultBackend({ clock })
      await backend.start()
      return { backend, now: () => clock.now(), advance: (ms) => clock.advance(ms), stop: () => backend.stop() }
    },
    {
      'another participant sees the records, and its watches are told': 'memory is of one participant alone',
    },
  )
})
