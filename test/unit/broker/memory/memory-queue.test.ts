import { assert } from 'chai'
import fc from 'fast-check'
import { BinaryHeap } from '../../../../lib/broker/memory/binary-heap.ts'
import { type MemoryEntry, MemoryQueue } from '../../../../lib/broker/memory/memory-queue.ts'

describe('a heap', () => {
  it('gives the least first, whatever was put in when', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.integer(), fc.constant('take' as const))), (steps) => {
        const heap = new BinaryHeap<number>((a, b) => a < b)
        let model: number[] = []
        for (const step of steps) {
          if (step === 'take') assert.equal(heap.pop(), model.shift())
          else {
            heap.push(step)
            model = [...model, step].sort((a, b) => a - b)
          }
          assert.equal(heap.peek(), model[0])
          assert.equal(heap.size, model.length)
        }
      }),
    )
  })

  it('removes what is unwanted and stays in order', () => {
    fc.assert(
      fc.property(fc.array(fc.integer()), (numbers) => {
        const heap = new BinaryHeap<number>((a, b) => a < b)
        for (const number of numbers) heap.push(number)
        const kept = numbers.filter((number) => number % 3 !== 0).sort((a, b) => a - b)
        assert.equal(
          heap.removeAll((number) => number % 3 === 0),
          numbers.length - kept.length,
        )
        assert.deepEqual(
          kept.map(() => heap.pop()),
          kept,
        )
      }),
    )
  })
})

describe('a queue in memory', () => {
  const entryOf = (queue: MemoryQueue, position: number, priority = 0): MemoryEntry => ({
    id: position,
    queue,
    envelope: '',
    priority,
    position,
    history: undefined,
    due: 0,
  })

  it('serves by priority and position, with what was given back where it was', () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('append' as const), priority: fc.nat(3) }),
      fc.constant({ kind: 'take' as const }),
      fc.record({ kind: fc.constant('give back' as const), index: fc.nat() }),
    )
    fc.assert(
      fc.property(fc.array(step, { size: 'medium' }), (steps) => {
        const queue = new MemoryQueue('q')
        let model: MemoryEntry[] = []
        const held: MemoryEntry[] = []
        let position = 0
        for (const it of steps) {
          if (it.kind === 'append') {
            const entry = entryOf(queue, ++position, it.priority)
            queue.append(entry)
            model.push(entry)
          } else if (it.kind === 'take') {
            const first = [...model].sort((a, b) => a.priority - b.priority || a.position - b.position)[0]
            assert.strictEqual(queue.take(), first)
            if (first !== undefined) held.push(first)
            model = model.filter((entry) => entry !== first)
          } else if (held.length > 0) {
            const [entry] = held.splice(it.index % held.length, 1)
            queue.giveBack(entry!)
            model.push(entry!)
          }
          assert.equal(queue.size, model.length)
        }
      }),
    )
  })

  it('takes a million in order without moving them again and again', () => {
    const queue = new MemoryQueue('q')
    for (let i = 1; i <= 1_000_000; i++) queue.append(entryOf(queue, i))
    for (let i = 1; i <= 1_000_000; i++) if (queue.take()?.position !== i) assert.fail(`out of order at ${i}`)
    assert.isUndefined(queue.take())
  })
})
