import { assert } from 'chai'
import { checkHistory, type HistoryBounds } from '../../support/check-history.ts'
import type { HistoryEvent, HistoryFact } from '../../support/history.ts'

const bounds: HistoryBounds = {
  mode: 'at-least-once',
  inFlight: 12,
  recoveryMs: 15_000,
  faults: 'none',
  resultsRead: false,
}
const drained: HistoryFact = { e: 'drained', waiting: 0, scheduled: 0, claimed: 0 }
const call = (id: string): HistoryFact[] => [
  { e: 'pub.call', id },
  { e: 'pub.ok', id },
]
const start = (id: string): HistoryFact => ({ e: 'run.start', id, attempt: 1, redelivered: false })
const end = (id: string): HistoryFact => ({ e: 'run.end', id, attempt: 1, v: 'done' })
const run = (id: string): HistoryFact[] => [start(id), end(id)]

describe('history checker, on how things end', () => {
  it('owes a follow-up as soon as what sends it has completed', () => {
    const link: HistoryFact = { e: 'pub.call', id: 'b', after: 'a' }

    assert.deepEqual(problemsOf([...call('a'), link, ...run('a'), ...run('b'), drained]), [])
    assert.deepEqual(problemsOf([...call('a'), link, ...run('a'), drained]), [
      'lost: b was accepted and never completed',
    ])
    assert.deepEqual(problemsOf([...call('a'), link, start('a'), drained], { bad: new Set() }), [
      'lost: a was accepted and never completed',
    ])
  })

  it('finds a follow-up that started too early', () => {
    const link: HistoryFact = { e: 'pub.call', id: 'b', after: 'a' }

    assert.deepEqual(problemsOf([...call('a'), link, ...run('b'), ...run('a'), drained]), [
      'follow-up: b started before a, which sends it, had completed',
    ])
    assert.include(
      problemsOf([...call('a'), link, ...run('b'), { e: 'dead', id: 'a', v: 'rejected' }, drained]),
      'follow-up: b started, and a, which sends it, never completed',
    )
  })

  it('finds a bad message that is not set aside, or twice, or without a reason, and a good one that is', () => {
    const dead = (id: string, v = 'malformed'): HistoryFact => ({ e: 'dead', id, v })
    const good = [...call('good'), ...run('good')]
    const bad = { bad: new Set(['bad']) }

    assert.deepEqual(problemsOf([...good, ...call('bad'), dead('bad'), drained], bad), [])
    assert.include(
      problemsOf([...good, ...call('bad'), ...run('bad'), drained], bad),
      'quarantine: bad is a bad one, and no dead letter',
    )
    assert.deepEqual(problemsOf([...good, ...call('bad'), dead('bad'), dead('bad', ''), drained], bad), [
      'quarantine: bad is among the dead letters 2 times',
      'quarantine: bad is a dead letter without a reason',
    ])
    assert.deepEqual(problemsOf([...call('good'), ...call('bad'), dead('bad'), dead('good'), drained], bad), [
      'quarantine: good is a good one, and a dead letter: malformed',
    ])
    assert.deepEqual(problemsOf([...good, dead('good'), drained]), [
      'quarantine: good completed, and is a dead letter as well',
    ])
  })

  it('finds a process that ended by itself, or left an error of its own unhandled', () => {
    const calm = [...call('a'), ...run('a')]
    const ended = (victim: number, code: number | null, stray: string[] = []): HistoryFact => ({
      e: 'proc.end',
      victim,
      code,
      signal: code === null ? 'SIGSEGV' : null,
      stray,
    })

    assert.deepEqual(
      problemsOf([...calm, ended(7, 0), { e: 'fault.on', how: 'kill', victim: 8 }, ended(8, null), drained]),
      [],
    )
    assert.deepEqual(problemsOf([...calm, ended(7, 1), ended(8, null), ended(9, 0, ['boom']), drained]), [
      'process: process 7 ended by itself, with exit code 1',
      'process: process 8 ended by itself, with SIGSEGV',
      'process: process 9 did not handle an error of its own: boom',
    ])
  })

  it('finds what is left behind in the broker', () => {
    assert.deepEqual(
      problemsOf([
        ...call('a'),
        ...run('a'),
        { ...drained, extras: ['owner 3 of a process that is gone'] } as HistoryFact,
      ]),
      ['left behind: owner 3 of a process that is gone'],
    )
  })

  it('measures the time from the end of a fault to the next completion, and holds it to a bound', () => {
    const history = timed([
      [0, { e: 'pub.call', id: 'a' }],
      [1, { e: 'pub.ok', id: 'a' }],
      [2, { e: 'fault.on', how: 'broker' }],
      [100, { e: 'fault.off', how: 'broker' }],
      [900, start('a')],
      [1_600, end('a')],
      [1_700, drained],
    ])

    const report = checkHistory(history, { ...bounds, resumeMs: 1_000 })

    assert.equal(report.counts.longestResumeMs, 1_500)
    assert.deepEqual(report.problems, [
      'slow to resume: the first completion came 1500 ms after the fault, bound 1000 ms',
    ])
    assert.deepEqual(checkHistory(history, { ...bounds, resumeMs: 2_000 }).problems, [])
  })

  it('counts what was lost', () => {
    const { counts } = checkHistory(
      timed([...call('a'), ...call('b'), ...run('a'), drained].map((fact, t) => [t, fact])),
      bounds,
    )
    assert.equal(counts.lost, 1)
  })
})

function problemsOf(facts: readonly HistoryFact[], more: Partial<HistoryBounds> = {}): readonly string[] {
  return checkHistory(timed(facts.map((fact, t) => [t, fact])), { ...bounds, ...more }).problems
}

function timed(facts: readonly (readonly [ms: number, fact: HistoryFact])[]): HistoryEvent[] {
  return facts.map(([ms, fact]) => ({ t: ms * 1_000, pid: 1, ...fact }))
}
