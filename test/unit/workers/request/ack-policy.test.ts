import { assert } from 'chai'
import type { Outcome } from '../../../../lib/run/outcome.ts'
import { type AckOptions, acknowledgementOf } from '../../../../workers/request/ack-policy.ts'

const defaults: AckOptions = { acksOnFailure: true, acksOnTimeout: true, rejectOnWorkerLost: true }
const facts = { losses: 0, returns: 0, now: 1_000 }
const base = { children: [], runtimeMs: 1 }
const error = { exc_type: 'ValueError', exc_message: [], exc_module: 'builtins' }
const failed: Outcome = { ...base, kind: 'failed', error, traceback: '', expected: false, follow: [] }
const timedOut: Outcome = { ...base, kind: 'timed-out', limitMs: 1_000, follow: [] }
const lost: Outcome = { ...base, kind: 'lost', detail: 'gone' }

describe('acknowledgementOf', () => {
  it('acknowledges whatever came to an end', () => {
    const value = { contentType: 'application/json', contentEncoding: 'utf-8', data: '1' }
    const next = { message: {} as never, route: { exchange: '', routingKey: 'q' } }
    const outcomes: Outcome[] = [
      { ...base, kind: 'succeeded', value, follow: [] },
      { ...base, kind: 'retry', error, traceback: '', next },
      { ...base, kind: 'ignored' },
      { ...base, kind: 'revoked', reason: 'terminated' },
      failed,
      timedOut,
    ]

    for (const outcome of outcomes)
      assert.deepEqual(acknowledgementOf(outcome, defaults, facts), { disposition: 'done' }, outcome.kind)
  })

  it('sets a failed task aside with acksOnFailure off', () => {
    const { disposition, reason } = acknowledgementOf(failed, { ...defaults, acksOnFailure: false }, facts)

    assert.deepEqual([disposition, reason], ['dead-letter', 'rejected'])
  })

  it('runs a timed-out task again with acksOnTimeout off, within maxDeliveries', () => {
    const acknowledgement = acknowledgementOf(timedOut, { ...defaults, acksOnTimeout: false }, facts)

    assert.deepEqual(acknowledgement, { disposition: 'give-back', counted: 'loss' })
  })

  it('runs a lost task again, unless rejectOnWorkerLost is off', () => {
    assert.deepEqual(acknowledgementOf(lost, defaults, facts), { disposition: 'give-back', counted: 'loss' })
    assert.deepEqual(acknowledgementOf(lost, { ...defaults, rejectOnWorkerLost: false }, facts), {
      disposition: 'done',
    })
  })

  it('runs a task that loses its slot again and again ever later', () => {
    const waits = [0, 1, 2, 3, 12].map((losses) => {
      const { notBefore } = acknowledgementOf(lost, defaults, { ...facts, losses })
      return notBefore === undefined ? undefined : notBefore - facts.now
    })

    assert.deepEqual(waits, [undefined, 125, 250, 500, 30_000])
  })

  it('gives back what a shutdown released without counting it', () => {
    assert.deepEqual(acknowledgementOf({ ...base, kind: 'released' }, defaults, facts), { disposition: 'give-back' })
  })

  it('gives a rejected message back ever later when asked to, else sets it aside with its reason', () => {
    const again: Outcome = { ...base, kind: 'rejected', reason: 'busy', requeue: true }
    const away: Outcome = { ...base, kind: 'rejected', reason: 'broken', requeue: false }

    const first = acknowledgementOf(again, defaults, facts)
    const fourth = acknowledgementOf(again, defaults, { ...facts, returns: 3 })
    const aside = acknowledgementOf(away, defaults, facts)

    assert.deepEqual(first, { disposition: 'give-back', counted: 'return', notBefore: undefined })
    assert.deepEqual(fourth, { disposition: 'give-back', counted: 'return', notBefore: 1_100 })
    assert.deepEqual(aside, { disposition: 'dead-letter', reason: 'rejected', detail: 'broken' })
  })

  it('sets a refused message aside under the reason of its refusal', () => {
    const refused: Outcome = { ...base, kind: 'refused', reason: 'undecodable', detail: 'no JSON' }

    assert.deepEqual(acknowledgementOf(refused, defaults, facts), {
      disposition: 'dead-letter',
      reason: 'undecodable',
      detail: 'no JSON',
    })
  })
})
