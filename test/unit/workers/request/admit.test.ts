import { assert } from 'chai'
import { type AdmitFacts, admit } from '../../../../workers/request/admit.ts'

const limits = { maxDeliveries: 10, unknownTaskLimitMs: 3_600_000 }
const now = Date.UTC(2030, 0, 1)

function facts(changes: Partial<AdmitFacts> = {}): AdmitFacts {
  return {
    now,
    isRevoked: false,
    isKnown: true,
    task: 'math.add',
    eta: undefined,
    expires: undefined,
    acknowledge: 'late',
    losses: 0,
    returns: 0,
    firstReturnedAt: undefined,
    ...changes,
  }
}

describe('admit', () => {
  it('runs what is known, due and not revoked', () => {
    assert.deepEqual(admit(facts(), limits), { kind: 'run' })
    assert.deepEqual(admit(facts({ eta: now, expires: now }), limits), { kind: 'run' })
  })

  it('ends what was revoked or has expired, even when it is unknown or not due', () => {
    assert.deepEqual(admit(facts({ isRevoked: true, isKnown: false }), limits), { kind: 'revoked', reason: 'revoked' })
    assert.deepEqual(admit(facts({ expires: now - 1, eta: now + 1 }), limits), { kind: 'revoked', reason: 'expired' })
  })

  it('parks what is not due until it is, however far that is', () => {
    for (const aheadMs of [1, 25 * 86_400_000, Date.UTC(9999, 0) - now])
      assert.deepEqual(admit(facts({ eta: now + aheadMs }), limits), { kind: 'park', notBefore: now + aheadMs })
  })

  it('runs a task again after up to ten lost workers and then sets it aside', () => {
    assert.equal(admit(facts({ losses: 10 }), limits).kind, 'run')

    const admission = admit(facts({ losses: 11 }), limits)

    assert.equal(admission.kind, 'dead')
    assert.equal(admission.kind === 'dead' && admission.reason, 'max-deliveries')
  })

  it('never starts a task that is acknowledged before its run a second time', () => {
    assert.equal(admit(facts({ acknowledge: 'early' }), limits).kind, 'run')
    assert.equal(admit(facts({ acknowledge: 'early', losses: 1 }), limits).kind, 'lost')
  })

  it('gives an unknown task back twice at once, then after 50 ms doubling to 30 s', () => {
    const waits = Array.from({ length: 14 }, (_, returns) => {
      const admission = admit(facts({ isKnown: false, returns, firstReturnedAt: now - 1 }), limits)
      assert.equal(admission.kind, 'return')
      return admission.kind === 'return' && admission.notBefore !== undefined ? admission.notBefore - now : 0
    })

    assert.deepEqual(waits, [0, 0, 50, 100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000])
  })

  it('sets an unknown task aside once it was offered for as long as the limit says', () => {
    const unknown = { isKnown: false, returns: 130 }
    assert.equal(admit(facts({ ...unknown, firstReturnedAt: now - 3_599_999 }), limits).kind, 'return')

    const admission = admit(facts({ ...unknown, firstReturnedAt: now - 3_600_000 }), limits)

    assert.deepEqual(admission, {
      kind: 'dead',
      reason: 'unknown-task',
      detail: 'No worker of its queue knew the task "math.add" in 3600 s.',
    })
  })
})
