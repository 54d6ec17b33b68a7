import { SqliteResultBackend } from '../../../lib/result/sqlite/sqlite-result-backend.ts'
import { resultBackendExam } from '../../../lib/testing/exams/result-backend-exam.ts'
import { FakeClock } from '../../../lib/testing/fake-clock.ts'
import { storeFolder } from '../../support/store-folder.ts'
import { sitExam } from '../sit-exam.ts'

describe('the result backend exam, in an embedded store', () => {
  sitExam(resultBackendExam, async () => {
    const { path, remove } = storeFolder()
    const clock = new FakeClock()
    const backends: SqliteResultBackend[] = []
    // A clock of its own gives each a connection of its own, as another process has.
    const join = async (): Promise<SqliteResultBackend> => {
      const backend = new SqliteResultBackend({ path, clock: backends.length === 0 ? clock : new FakeClock() })
      backends.push(backend)
      await backend.start()
      return backend
    }
    return {
      backend: await join(),
      join,
      now: () => clock.now(),
      advance: (ms) => clock.advance(ms),
      async stop() {
        for (const backend of backends) await backend.stop()
        remove()
      },
    }
  })
})
