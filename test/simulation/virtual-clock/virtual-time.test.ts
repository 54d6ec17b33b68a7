import { assert } from 'chai'
import { driveGlobals } from './drive.ts'
import { Random } from './random.ts'
import { longestNodeTimerMs, VirtualTime } from './virtual-time.ts'

describe('virtual time', () => {
  it('fires timers at their times, those of one moment in the order in which they were set', () => {
    const time = new VirtualTime(1_000)
    const fired: string[] = []
    const at = (name: string) => () => void fired.push(`${name} ${time.now()}`)
    time.after(20, at('c'))
    time.after(10, at('a'))
    time.after(10, at('b'))
    const cancel = time.after(15, at('never'))
    cancel()

    while (time.step());

    assert.deepEqual(fired, ['a 1010', 'b 1010', 'c 1020'])
  })

  it('gives processes the real clock, which splits waits beyond Node’s limit into hours', () => {
    const time = new VirtualTime(0)
    const tooLong: number[] = []
    const { clock } = time.host((ms) => void tooLong.push(ms))

    clock.timer(longestNodeTimerMs * 2, () => assert.fail('too early'))
    for (let step = 0; step < 100; step++) time.step()

    assert.deepEqual(tooLong, [], 'the clock splits it into hours')
    assert.equal(time.monotonic(), 100 * 3_600_000)
  })

  it('holds everything of a frozen process until it thaws, and drops everything of a dead one', () => {
    const time = new VirtualTime(0)
    const host = time.host(() => {})
    const fired: string[] = []
    host.clock.timer(10, () => fired.push(`timer ${time.now()}`))
    host.freeze()
    host.bring(() => fired.push(`message ${time.now()}`))
    time.after(50, () => host.thaw())

    while (time.step());
    assert.deepEqual(fired, ['message 50', 'timer 50'])
    assert.equal(host.timers, 0)

    host.clock.timer(10, () => assert.fail('it is dead'))
    host.kill()
    host.bring(() => assert.fail('it is dead'))
    while (time.step());
    assert.equal(host.timers, 0)
  })

  it('drives the wall clock, dice and UUIDs for a run, and notes who asks for real time', () => {
    const real = Date.now()
    const driven = driveGlobals('seed', () => 42)
    const [now, dice] = [Date.now(), Math.random()]
    assert.throws(() => setTimeout(() => {}, 1), /real time/)
    driven.restore()
    const again = driveGlobals('seed', () => 42)
    const same = Math.random()
    again.restore()

    assert.deepEqual([now, dice], [42, same])
    assert.lengthOf(driven.escapes, 1)
    assert.isAtLeast(Date.now(), real)
  })

  it('rolls the same dice for the same seed, evenly', () => {
    const rolls = (seed: string): number[] => {
      const random = new Random(seed)
      return Array.from({ length: 6_000 }, () => random.between(1, 6))
    }
    const counts = [1, 2, 3, 4, 5, 6].map((face) => rolls('a').filter((roll) => roll === face).length)

    assert.deepEqual(rolls('a'), rolls('a'))
    assert.notDeepEqual(rolls('a'), rolls('b'))
    assert.isAbove(Math.min(...counts), 850)
  })
})
