import { assert } from 'chai'
import { FakeClock } from '../../../../lib/testing/fake-clock.ts'
import { listenToSignals, StopLadder } from '../../../../workers/process/signals.ts'

describe('StopLadder', () => {
  it('climbs from warm over cold to hard', () => {
    const ladder = new StopLadder()

    assert.equal(ladder.climb('SIGTERM', 0), 'warm')
    assert.equal(ladder.climb('SIGTERM', 1_000), 'cold')
    assert.equal(ladder.climb('SIGTERM', 2_000), 'hard')
    assert.equal(ladder.climb('SIGTERM', 3_000), 'hard')
  })

  it('starts cold with QUIT, and goes cold from warm at once', () => {
    assert.equal(new StopLadder().climb('SIGQUIT', 0), 'cold')

    const ladder = new StopLadder()
    ladder.climb('SIGTERM', 0)

    assert.equal(ladder.climb('SIGQUIT', 1), 'cold')
  })

  it('takes a signal that comes twice within 200 ms, from the terminal and from a parent, for one', () => {
    const ladder = new StopLadder()
    ladder.climb('SIGINT', 0)

    assert.isUndefined(ladder.climb('SIGINT', 5))
    assert.equal(ladder.climb('SIGINT', 400), 'cold')
  })

  it('takes no signal for an echo after it was said that echoes are over', () => {
    const ladder = new StopLadder()
    ladder.climb('SIGINT', 0)

    ladder.endEchoes()

    assert.equal(ladder.climb('SIGINT', 199.6), 'cold')
  })
})

describe('listenToSignals', () => {
  it('tells of rungs, when their echo is over, and of USR2, until it is disposed of', async () => {
    const told: string[] = []
    const clock = new FakeClock()
    const listening = listenToSignals({
      clock,
      onStop: (rung) => told.push(rung),
      onEchoOver: (rung) => told.push(`${rung} is no echo any more`),
      onShow: () => told.push('show'),
    })

    process.emit('SIGUSR2')
    process.emit('SIGINT', 'SIGINT')
    process.emit('SIGINT', 'SIGINT')
    await clock.advance(200)
    process.emit('SIGTERM', 'SIGTERM')
    listening[Symbol.dispose]()
    await clock.advance(200)

    assert.deepEqual(told, ['show', 'warm', 'warm is no echo any more', 'cold'])
    assert.equal(process.listenerCount('SIGUSR2') + process.listenerCount('SIGQUIT'), 0)
  })
})
