import { assert } from 'chai'
import { FakeClock } from '../../../../lib/testing/fake-clock.ts'
import { LoopWatch, type Suspect } from '../../../../workers/presence/loop-watch.ts'
import { TaskBoard } from '../../../../workers/presence/task-board.ts'

/** A clock whose timers fire late, as they do when something blocks the event loop. */
class LateClock extends FakeClock {
  lateMs = 0
  override monotonic(): number {
    return super.monotonic() + this.lateMs
  }
}

describe('LoopWatch', () => {
  function watching() {
    const clock = new LateClock()
    const board = new TaskBoard()
    const stalls: { blockedMs: number; tasks: readonly Suspect[] }[] = []
    const running: Suspect[] = [{ id: 'r', task: 'running' }]
    const watch = new LoopWatch({ clock, board, onBlocked: (stall) => stalls.push(stall), running: () => running })
    void watch.start()
    return { clock, board, stalls, watch }
  }

  it('beats four times a second while the loop turns', async () => {
    const { clock, board, stalls, watch } = watching()
    const before = board.beats

    await clock.advance(1_000)
    await watch.stop()

    assert.equal(board.beats - before, 4)
    assert.isEmpty(stalls)
  })

  it('lays a stall to the task whose function kept the loop', async () => {
    const { clock, stalls, watch } = watching()

    watch.left({ id: 'q', task: 'quick' }, 5)
    watch.left({ id: 's', task: 'slow' }, 1_500)
    clock.lateMs = 1_500
    await clock.advance(250)
    await watch.stop()

    assert.deepEqual(stalls, [{ blockedMs: 1_500, tasks: [{ id: 's', task: 'slow' }] }])
  })

  it('names all that run when nobody is known to have caused it, and each stall once', async () => {
    const { clock, stalls, watch } = watching()

    clock.lateMs = 3_000
    await clock.advance(500)
    await watch.stop()

    assert.deepEqual(stalls, [{ blockedMs: 3_000, tasks: [{ id: 'r', task: 'running' }] }])
  })
})
