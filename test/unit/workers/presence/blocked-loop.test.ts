import { assert } from 'chai'
import { describeStall, reasonToEnd, type Stall } from '../../../../workers/presence/blocked-loop.ts'

const a = { id: 'id-a', task: 'a', limitMs: 1_000 }
const b = { id: 'id-b', task: 'b', limitMs: 60_000 }
const unlimited = { id: 'id-u', task: 'u', limitMs: undefined }

function stall(blockedMs: number, more: Partial<Stall> = {}): Stall {
  return { blockedMs, called: undefined, running: [], maxBlockedMs: 600_000, ...more }
}

describe('reasonToEnd', () => {
  it('ends a stall half a second after the hard limit of the task that is known to cause it', () => {
    assert.isUndefined(reasonToEnd(stall(1_400, { called: a, running: [a, b] })))
    assert.equal(reasonToEnd(stall(1_501, { called: a, running: [a, b] })), 'the hard time limit of 1 s is over')
  })

  it('waits for the longest limit of those that may cause it', () => {
    assert.isUndefined(reasonToEnd(stall(10_000, { running: [a, b] })))
    assert.match(reasonToEnd(stall(60_501, { running: [a, b] }))!, /limit of 60 s/)
    assert.isUndefined(reasonToEnd(stall(100_000, { running: [a, unlimited] })))
  })

  it('ends any stall that is longer than workerMaxBlockedLoop', () => {
    assert.isUndefined(reasonToEnd(stall(600_000, { called: unlimited })))
    assert.match(reasonToEnd(stall(600_001, { called: unlimited }))!, /workerMaxBlockedLoop/)
    assert.match(reasonToEnd(stall(600_001))!, /workerMaxBlockedLoop/)
  })
})

describe('describeStall', () => {
  it('names the task that is known to cause it, else those that run', () => {
    assert.equal(describeStall(stall(1_260, { called: a })), 'has been blocked for 1.3 s by task "a" (id-a)')
    assert.equal(describeStall(stall(2_000, { running: [b] })), 'has been blocked for 2 s by task "b" (id-b)')
    assert.match(describeStall(stall(2_000, { running: [a, b] })), /by one of the tasks "a" \(id-a\), "b" \(id-b\)$/)
    assert.match(describeStall(stall(2_000, { running: Array(9).fill(a) })), / and 4 more$/)
    assert.match(describeStall(stall(2_000)), /by no task/)
  })
})
