import { assert } from 'chai'
import type { Outgoing } from '../../../lib/broker/broker.ts'
import type { Outcome } from '../../../lib/run/outcome.ts'
import { aftermathOf, type RecordMaker, type SettlementFacts, settlementOf } from '../../../lib/run/settlement.ts'

const base = { children: [[['c1', null], null]], runtimeMs: 1 }
const error = { exc_type: 'ValueError', exc_message: ['boom'], exc_module: 'builtins' }
const value = { contentType: 'application/json', contentEncoding: 'utf-8', data: '5' }
const outgoing = { message: {}, route: { exchange: '', routingKey: 'q' } } as unknown as Outgoing
const maker: RecordMaker = {
  make: (state, result, facts) => ({
    id: facts.id,
    state,
    document: JSON.stringify({ result, ...facts }),
    contentType: 'application/json',
  }),
}

function facts(more: Partial<SettlementFacts> = {}): SettlementFacts {
  return {
    id: 'id-1',
    task: 'math.add',
    groupId: 'g1',
    parentId: 'p1',
    keepsResult: true,
    keepsErrors: true,
    now: 1_000,
    ...more,
  }
}

/** State and result of the record, and how many messages follow. */
function seen(outcome: Outcome, more?: Partial<SettlementFacts>): unknown[] {
  const { record, publish } = aftermathOf(outcome, facts(more), maker)
  if (record === undefined) return [undefined, undefined, publish?.length ?? 0]
  return [record.state, JSON.parse(record.document as string).result, publish?.length ?? 0]
}

const failed: Outcome = { ...base, kind: 'failed', error, traceback: 'at', expected: false, follow: [outgoing] }
const succeeded: Outcome = { ...base, kind: 'succeeded', value, follow: [outgoing, outgoing] }

describe('aftermathOf', () => {
  it('stores success and sends what follows', () => {
    assert.deepEqual(seen(succeeded), ['SUCCESS', value, 2])
  })

  it('stores failure with its traceback and children', () => {
    assert.deepEqual(seen(failed), ['FAILURE', error, 1])
    const { record } = aftermathOf(failed, facts(), maker)
    assert.deepInclude(JSON.parse(record!.document as string), {
      traceback: 'at',
      children: base.children,
      groupId: 'g1',
      parentId: 'p1',
    })
  })

  it('stores a retry and sends the task again', () => {
    assert.deepEqual(seen({ ...base, kind: 'retry', error, traceback: '', next: outgoing }), ['RETRY', error, 1])
  })

  it('gives what the worker decides the names that Celery gives it', () => {
    const named = (outcome: Outcome): unknown[] => {
      const [state, result] = seen(outcome) as [string, typeof error]
      return [state, result.exc_module, result.exc_type, result.exc_message]
    }

    assert.deepEqual(named({ ...base, kind: 'timed-out', limitMs: 1_500, follow: [] }), [
      'FAILURE',
      'billiard.exceptions',
      'TimeLimitExceeded',
      [1.5],
    ])
    assert.deepEqual(named({ ...base, kind: 'revoked', reason: 'expired' }), [
      'REVOKED',
      'celery.exceptions',
      'TaskRevokedError',
      ['expired'],
    ])
    assert.deepEqual(named({ ...base, kind: 'lost', detail: 'gone' }), [
      'FAILURE',
      'billiard.exceptions',
      'WorkerLostError',
      ['gone'],
    ])
    assert.deepEqual(named({ ...base, kind: 'rejected', reason: 'no', requeue: false }), [
      'FAILURE',
      'celery.exceptions',
      'Reject',
      ['no', false],
    ])
    assert.deepEqual(named({ ...base, kind: 'refused', reason: 'unknown-task', detail: '…' }), [
      'FAILURE',
      'celery.exceptions',
      'NotRegistered',
      ['math.add'],
    ])
    assert.deepEqual(named({ ...base, kind: 'refused', reason: 'max-deliveries', detail: 'died' }), [
      'FAILURE',
      'billiard.exceptions',
      'WorkerLostError',
      ['died'],
    ])
    assert.deepEqual(named({ ...base, kind: 'refused', reason: 'undecodable', detail: 'no' }), [
      'FAILURE',
      'kombu.exceptions',
      'DecodeError',
      ['no'],
    ])
    assert.deepEqual(named({ ...base, kind: 'refused', reason: 'content-refused', detail: 'no' }), [
      'FAILURE',
      'kombu.exceptions',
      'ContentDisallowed',
      ['no'],
    ])
    assert.deepEqual(named({ ...base, kind: 'refused', reason: 'malformed', detail: 'no' }), [
      'FAILURE',
      'celery.exceptions',
      'InvalidTaskError',
      ['no'],
    ])
  })

  it('stores nothing of what is ignored, released or given back', () => {
    for (const outcome of [
      { ...base, kind: 'ignored' },
      { ...base, kind: 'released' },
      { ...base, kind: 'rejected', reason: 'busy', requeue: true },
    ] as Outcome[])
      assert.deepEqual(seen(outcome), [undefined, undefined, 0], outcome.kind)
  })

  it('stores no result with ignoreResult, but errors where they are wanted; what follows is sent all the same', () => {
    const ignored = { keepsResult: false, keepsErrors: false }

    assert.deepEqual(seen(succeeded, ignored), [undefined, undefined, 2])
    assert.deepEqual(seen(failed, ignored), [undefined, undefined, 1])
    assert.deepEqual(seen(failed, { keepsResult: false }), ['FAILURE', error, 1])
  })
})

describe('settlementOf', () => {
  const claim = { key: 1, token: 1, queue: 'q' }
  const aftermath = aftermathOf(succeeded, facts(), maker)

  it('puts record, follow-ups and acknowledgement into one act', () => {
    assert.deepEqual(settlementOf(claim, { disposition: 'done' }, aftermath), {
      claim,
      disposition: 'done',
      ...aftermath,
    })
  })

  it('leaves no trace of what is given back', () => {
    const acknowledgement = { disposition: 'give-back', counted: 'loss' } as const

    assert.deepEqual(settlementOf(claim, acknowledgement, aftermath), { claim, ...acknowledgement })
  })
})
