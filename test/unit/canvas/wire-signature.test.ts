import { assert } from 'chai'
import { InvalidCall } from '../../../lib/base/errors.ts'
import { readWireSignature } from '../../../lib/canvas/wire-signature.ts'

describe('readWireSignature', () => {
  it('keeps a signature as it is, unknown keys included', () => {
    const data = {
      task: 'cap.mul',
      args: [3],
      kwargs: { y: 1 },
      options: { task_id: 'x', retry_policy: { max_retries: 3 } },
      subtask_type: 'chain',
      immutable: true,
      chord_size: 4,
    }

    assert.deepEqual(readWireSignature(data, 'It'), data)
  })

  it('fills in what is absent', () => {
    const full = { task: 'a', args: [], kwargs: {}, options: {}, subtask_type: null, immutable: false }

    assert.deepEqual(readWireSignature({ task: 'a' }, 'It'), full)
    assert.deepEqual(
      readWireSignature({ task: 'a', args: null, kwargs: null, options: null, immutable: null }, 'It'),
      full,
    )
  })

  it('reads objects without a prototype, as decoders make them, and takes __proto__ for a name', () => {
    const kwargs = Object.assign(Object.create(null), JSON.parse('{"__proto__": 1}')) as object
    Object.defineProperty(kwargs, '__proto__', { value: 1, enumerable: true })
    const read = readWireSignature(Object.assign(Object.create(null), { task: 'a', kwargs }), 'It')

    assert.deepEqual(Object.keys(read.kwargs), ['__proto__'])
    assert.strictEqual(Object.getPrototypeOf(read.kwargs), Object.prototype)
  })

  it('copies, so that the data may change afterwards', () => {
    const data = { task: 'a', args: [1], kwargs: { x: 1 } }
    const read = readWireSignature(data, 'It')

    data.args.push(2)
    data.kwargs.x = 2

    assert.deepEqual(read.args, [1])
    assert.deepEqual(read.kwargs, { x: 1 })
  })

  for (const [data, reason] of [
    [null, /^link must be a signature, not null\. Make one with task\.s/],
    ['a', /not "a"/],
    [[], /not a list/],
    [{}, /its task must be a name of 1 to 255 characters, not undefined/],
    [{ task: '' }, /its task/],
    [{ task: 'a\u001b[2J' }, /its task/],
    [{ task: 'a', args: 'xy' }, /its args must be a list, not "xy"/],
    [{ task: 'a', kwargs: [] }, /its kwargs must be an object/],
    [{ task: 'a', options: 5 }, /its options must be an object/],
    [{ task: 'a', subtask_type: 5 }, /its subtask_type must be text or null/],
    [{ task: 'a', immutable: 'no' }, /its immutable must be true or false/],
  ] as const)
    it(`refuses ${JSON.stringify(data)}`, () => {
      assert.throws(() => readWireSignature(data, 'link'), InvalidCall, reason)
    })
})
