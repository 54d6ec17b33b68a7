import { SqliteStateStore } from '../../../lib/state/sqlite-state-store.ts'
import { stateStoreExam } from '../../../lib/testing/exams/state-store-exam.ts'
import { FakeClock } from '../../../lib/testing/fake-clock.ts'
import { storeFolder } from '../../support/store-folder.ts'
import { sitExam } from '../sit-exam.ts'

describe('the state store exam, in an embedded store', () => {
  sitExam(stateStoreExam, async () => {
    const { path, remove } = storeFolder()
    const clock = new FakeClock()
    const stores: SqliteStateStore[] = []
    // A clock of its own gives each a connection of its own, as another process has.
    const join = async (): Promise<SqliteStateStore> => {
      const state = new SqliteStateStore({ path, clock: stores.length === 0 ? clock : new FakeClock() })
      stores.push(state)
      await state.start()
      return state
    }
    return {
      state: await join(),
      join,
      advance: (ms) => clock.advance(ms),
      async stop() {
        for (const state of stores) await state.stop()
        remove()
      },
    }
  })
})
