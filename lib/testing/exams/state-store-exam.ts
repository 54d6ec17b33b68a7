import { strict as assert } from 'node:assert'
import type { StateStore } from '../../state/state-store.ts'
import { type ExamItem, examItem } from './exam.ts'

/** A state store that sits the exam, with what the examiner needs around it. Empty and started. */
export interface StateStoreUnderExam {
  readonly state: StateStore
  /** A second participant in the same store, as another process has it; stopped by `stop()`. Left out where there can be none. */
  readonly join?: (() => Promise<StateStore>) | undefined
  /** Lets time pass: really, or on the fake clock that the store was given. */
  advance(ms: number): Promise<void>
  /**
   * How many times as long the times of the exam are: more than 1 where time really passes, so that a machine that stalls for a moment is
   * not taken for a store that is wrong. @default 1
   */
  readonly pace?: number | undefined
  stop(): Promise<void>
}

/** What every {@link StateStore} does. */
export const stateStoreExam: readonly ExamItem<StateStoreUnderExam>[] = [
  examItem('an absent key has no value', async ({ state }) => {
    assert.equal(await state.get('k'), undefined)
  }),

  examItem('put-if-absent stores once and says which value stands', async ({ state }) => {
    assert.deepEqual(await state.putIfAbsent('k', 'first'), { stored: true, value: 'first' })
    assert.deepEqual(await state.putIfAbsent('k', 'second'), { stored: false, value: 'first' })
    assert.equal(await state.get('k'), 'first')
  }),

  examItem('odd keys and values are kept as they are', async ({ state }) => {
    for (const text of ['', 'a b', '\'"%_', 'line\n', 'NUL\u0000x', 'ä€😀', '__proto__'])
      assert.deepEqual(await state.putIfAbsent(`key ${text}`, text), { stored: true, value: text })
    assert.equal(await state.get('key NUL\u0000x'), 'NUL\u0000x')
    assert.equal(await state.get('key NUL'), undefined)
    assert.equal(await state.get('__proto__'), undefined)
  }),

  examItem('of many that put at once, one wins and all learn its value', async ({ state, join }) => {
    const other = join === undefined ? state : await join()
    const puts = Array.from({ length: 40 }, (_, index) =>
      (index % 2 === 0 ? state : other).putIfAbsent('k', `v${index}`),
    )
    const replies = await Promise.all(puts)
    const winners = replies.filter(({ stored }) => stored)
    assert.equal(winners.length, 1)
    for (const { value } of replies) assert.equal(value, winners[0]!.value)
  }),

  examItem('a value ends with its time to live, and can be put again', async ({ state, advance, pace = 1 }) => {
    await state.putIfAbsent('k', 'old', { ttlMs: 200 * pace })
    assert.equal(await state.get('k'), 'old')
    await advance(300 * pace)
    assert.equal(await state.get('k'), undefined)
    assert.deepEqual(await state.putIfAbsent('k', 'new'), { stored: true, value: 'new' })
    await advance(300 * pace)
    assert.equal(await state.get('k'), 'new')
  }),

  examItem('compare-and-set replaces what it expects and nothing else', async ({ state }) => {
    assert.equal(await state.compareAndSet('k', { expected: 'x', value: 'y' }), false)
    assert.equal(await state.compareAndSet('k', { expected: undefined, value: 'a' }), true)
    assert.equal(await state.compareAndSet('k', { expected: undefined, value: 'b' }), false)
    assert.equal(await state.compareAndSet('k', { expected: 'a', value: 'b' }), true)
    assert.equal(await state.get('k'), 'b')
    assert.equal(await state.compareAndSet('k', { expected: 'b', value: undefined }), true)
    assert.equal(await state.get('k'), undefined)
  }),

  examItem(
    'compare-and-set takes an expired value for absent, and sets a new time to live',
    async ({ state, advance, pace = 1 }) => {
      await state.compareAndSet('k', { expected: undefined, value: 'a', ttlMs: 200 * pace })
      await advance(300 * pace)
      assert.equal(await state.compareAndSet('k', { expected: 'a', value: 'b' }), false)
      assert.equal(await state.compareAndSet('k', { expected: undefined, value: 'b', ttlMs: 200 * pace }), true)
      assert.equal(await state.compareAndSet('k', { expected: 'b', value: 'c' }), true)
      await advance(300 * pace)
      assert.equal(await state.get('k'), 'c')
    },
  ),

  examItem('a counter raised by compare-and-set from many sides loses nothing', async ({ state, join }) => {
    const other = join === undefined ? state : await join()
    const raise = async (store: StateStore): Promise<void> => {
      for (;;) {
        const value = await store.get('count')
        if (await store.compareAndSet('count', { expected: value, value: String(Number(value ?? 0) + 1) })) return
      }
    }
    await Promise.all(Array.from({ length: 20 }, (_, index) => raise(index % 2 === 0 ? state : other)))
    assert.equal(await state.get('count'), '20')
  }),

  examItem('a rate allows its burst and then says how long to wait', async ({ state, advance, pace = 1 }) => {
    const rate = { limit: 5, periodMs: 1_000 * pace }
    for (let i = 0; i < 5; i++) assert.equal((await state.takeRate('r', rate)).allowed, true)
    const refused = await state.takeRate('r', rate)
    assert.equal(refused.allowed, false)
    assert.ok(refused.retryAfterMs > 0 && refused.retryAfterMs <= 200 * pace, `retry after ${refused.retryAfterMs}`)
    await advance(refused.retryAfterMs)
    assert.deepEqual(await state.takeRate('r', rate), { allowed: true, retryAfterMs: 0 })
    assert.equal((await state.takeRate('r', rate)).allowed, false)
  }),

  examItem('a refusal costs nothing, and rates of different keys are apart', async ({ state, advance, pace = 1 }) => {
    const rate = { limit: 1, periodMs: 300 * pace }
    assert.equal((await state.takeRate('r', rate)).allowed, true)
    for (let i = 0; i < 20; i++) assert.equal((await state.takeRate('r', rate)).allowed, false)
    assert.equal((await state.takeRate('other', rate)).allowed, true)
    await advance(310 * pace)
    assert.equal((await state.takeRate('r', rate)).allowed, true)
  }),

  examItem('a smaller burst spreads a rate, a cost takes several units', async ({ state, advance, pace = 1 }) => {
    const rate = { limit: 10, periodMs: 1_000 * pace, burst: 3 }
    assert.equal((await state.takeRate('r', { ...rate, cost: 2 })).allowed, true)
    assert.equal((await state.takeRate('r', { ...rate, cost: 2 })).allowed, false)
    assert.equal((await state.takeRate('r', rate)).allowed, true)
    await advance(210 * pace)
    assert.equal((await state.takeRate('r', { ...rate, cost: 2 })).allowed, true)
  }),

  examItem('a rate asked from many sides at once allows its burst and no more', async ({ state, join }) => {
    const other = join === undefined ? state : await join()
    const rate = { limit: 7, periodMs: 600_000 }
    const asked = Array.from({ length: 50 }, (_, index) => (index % 2 === 0 ? state : other).takeRate('r', rate))
    assert.equal((await Promise.all(asked)).filter(({ allowed }) => allowed).length, 7)
  }),

  examItem('a rate that allows nothing, or a cost over its burst, is refused as a wrong call', async ({ state }) => {
    const wrong = { code: 'UMBEL_INVALID_CALL' }
    await assert.rejects(state.takeRate('r', { limit: 0, periodMs: 1_000 }), wrong)
    await assert.rejects(state.takeRate('r', { limit: 1, periodMs: Number.NaN }), wrong)
    await assert.rejects(state.takeRate('r', { limit: 2, periodMs: 1_000, cost: 3 }), wrong)
  }),

  examItem('places are taken up to the limit, renewed by their holders, and freed', async ({ state }) => {
    const places = { limit: 2, ttlMs: 60_000 }
    assert.equal(await state.takePlace('p', 'a', places), true)
    assert.equal(await state.takePlace('p', 'b', places), true)
    assert.equal(await state.takePlace('p', 'c', places), false)
    assert.equal(await state.takePlace('p', 'a', places), true)
    assert.equal(await state.takePlace('elsewhere', 'c', places), true)
    await state.releasePlace('p', 'a')
    await state.releasePlace('p', 'nobody')
    assert.equal(await state.takePlace('p', 'c', places), true)
    assert.equal(await state.takePlace('p', 'a', places), false)
  }),

  examItem('a place that is not renewed is free after its time', async ({ state, advance, pace = 1 }) => {
    assert.equal(await state.takePlace('p', 'a', { limit: 1, ttlMs: 300 * pace }), true)
    await advance(200 * pace)
    assert.equal(await state.takePlace('p', 'a', { limit: 1, ttlMs: 300 * pace }), true)
    await advance(200 * pace)
    assert.equal(await state.takePlace('p', 'b', { limit: 1, ttlMs: 300 * pace }), false)
    await advance(200 * pace)
    assert.equal(await state.takePlace('p', 'b', { limit: 1, ttlMs: 300 * pace }), true)
  }),

  examItem('places asked for from many sides at once are never too many', async ({ state, join }) => {
    const other = join === undefined ? state : await join()
    const places = { limit: 3, ttlMs: 60_000 }
    const asked = Array.from({ length: 30 }, (_, index) =>
      (index % 2 === 0 ? state : other).takePlace('p', `h${index}`, places),
    )
    assert.equal((await Promise.all(asked)).filter(Boolean).length, 3)
  }),

  examItem('an index is read from the lowest score, ties by member, within bounds and limit', async ({ state }) => {
    await state.indexAdd('i', [
      { member: 'c', score: 2 },
      { member: 'b', score: 2 },
      { member: 'a', score: 10 },
      { member: 'd', score: -1.5 },
    ])
    const members = async (range: Parameters<StateStore['indexRange']>[1]): Promise<string[]> =>
      (await state.indexRange('i', range)).map(({ member }) => member)
    assert.deepEqual(await members({}), ['d', 'b', 'c', 'a'])
    assert.deepEqual(await members({ from: 2, to: 10 }), ['b', 'c', 'a'])
    assert.deepEqual(await members({ to: 2, limit: 2 }), ['d', 'b'])
    assert.deepEqual(await members({ limit: 0 }), [])
    assert.deepEqual(await state.indexRange('i', { to: 0 }), [{ member: 'd', score: -1.5 }])
    assert.deepEqual(await state.indexRange('unknown', {}), [])
  }),

  examItem('adding a member again moves it', async ({ state }) => {
    await state.indexAdd('i', [
      { member: 'a', score: 1 },
      { member: 'b', score: 2 },
    ])
    await state.indexAdd('i', [{ member: 'a', score: 3 }])
    assert.deepEqual(await state.indexRange('i', {}), [
      { member: 'b', score: 2 },
      { member: 'a', score: 3 },
    ])
  }),

  examItem('removing from an index says how many were there', async ({ state }) => {
    await state.indexAdd('i', [
      { member: 'a', score: 1 },
      { member: 'b', score: 2 },
    ])
    assert.equal(await state.indexRemove('i', ['a', 'nobody']), 1)
    assert.equal(await state.indexRemove('i', ['a']), 0)
    assert.equal(await state.indexRemove('unknown', ['a']), 0)
    assert.deepEqual(await state.indexRange('i', {}), [{ member: 'b', score: 2 }])
  }),

  examItem('an index ends with its time to live, and starts anew', async ({ state, advance, pace = 1 }) => {
    await state.indexAdd('i', [{ member: 'old', score: 1 }], { ttlMs: 200 * pace })
    await advance(300 * pace)
    assert.deepEqual(await state.indexRange('i', {}), [])
    assert.equal(await state.indexRemove('i', ['old']), 0)
    await state.indexAdd('i', [{ member: 'new', score: 1 }])
    await advance(300 * pace)
    assert.deepEqual(await state.indexRange('i', {}), [{ member: 'new', score: 1 }])
  }),

  examItem('of many that remove one member at once, one is told that it did', async ({ state, join }) => {
    const other = join === undefined ? state : await join()
    await state.indexAdd('i', [{ member: 'a', score: 1 }])
    const removals = Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? state : other).indexRemove('i', ['a']))
    assert.equal(
      (await Promise.all(removals)).reduce((sum, count) => sum + count, 0),
      1,
    )
  }),

  examItem('another participant sees the same state', async ({ state, join }) => {
    if (join === undefined) throw new Error('This needs a store that several share.')
    const other = await join()
    await state.putIfAbsent('k', 'v')
    await state.indexAdd('i', [{ member: 'a', score: 1 }])
    assert.equal(await other.get('k'), 'v')
    assert.deepEqual(await other.indexRange('i', {}), [{ member: 'a', score: 1 }])
  }),

  examItem('a stopped store refuses everything as closed, and stops twice', async ({ state, join }) => {
    const other = join === undefined ? state : await join()
    await other.stop()
    await other.stop()
    const closed = { code: 'UMBEL_CLOSED' }
    await assert.rejects(async () => other.get('k'), closed)
    await assert.rejects(async () => other.putIfAbsent('k', 'v'), closed)
    await assert.rejects(async () => other.indexRange('i', {}), closed)
  }),
]
