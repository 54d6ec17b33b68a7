import { inspect } from 'node:util'
import { assert } from 'chai'
import { InvalidCall } from '../../../lib/base/errors.ts'
import { newSignature, type SignatureSender, signatureFromWire } from '../../../lib/canvas/signature.ts'
import type { WireSignature } from '../../../lib/message/task-message.ts'

class RecordingSender implements SignatureSender {
  readonly sent: WireSignature[] = []

  async send(signature: WireSignature): Promise<unknown> {
    this.sent.push(signature)
    return 'handle'
  }
}

const data = (more: Partial<WireSignature> = {}): WireSignature => ({
  task: 'cap.mul',
  args: [10],
  kwargs: { deep: 1 },
  options: { queue: 'hi' },
  subtask_type: null,
  immutable: false,
  ...more,
})

function make(more: Partial<WireSignature> = {}) {
  const sender = new RecordingSender()
  return { sender, sig: newSignature(data(more), sender) }
}

describe('signature', () => {
  it('is Celery’s wire form as JSON', () => {
    const { sig } = make({ args: [3], kwargs: {}, options: {} })

    assert.equal(
      JSON.stringify(sig),
      '{"task":"cap.mul","args":[3],"kwargs":{},"options":{},"subtask_type":null,"immutable":false}',
    )
  })

  it('as an argument of another one travels as its data', () => {
    const { sig } = make()

    assert.deepEqual(JSON.parse(JSON.stringify({ args: [sig] })), { args: [data()] })
  })

  it('is sent with the caller’s arguments in front, its keyword arguments and options underneath', async () => {
    const { sender, sig } = make()

    const handle = await sig.applyAsync([2], { queue: 'lo', countdown: 5, kwargs: { deep: 2, wide: 3 } })
    await sig.delay(1, 2)

    assert.equal(handle, 'handle')
    assert.deepEqual(sender.sent, [
      data({ args: [2, 10], kwargs: { deep: 2, wide: 3 }, options: { queue: 'lo', countdown: 5 } }),
      data({ args: [1, 2, 10] }),
    ])
  })

  it('when immutable drops the caller’s arguments, not the options', async () => {
    const { sender, sig } = make({ immutable: true })

    await sig.applyAsync([2], { queue: 'lo', kwargs: { deep: 2 } })

    assert.deepEqual(sender.sent, [data({ immutable: true, options: { queue: 'lo' } })])
  })

  it('never changes: set, link and onError give another one', () => {
    const { sig } = make()
    const callback = make({ task: 'cap.link', args: [], kwargs: {}, options: {} }).sig

    const changed = sig.set({ countdown: 3, expires: '1h' }).link(callback).onError(callback)

    assert.deepEqual(sig.toJSON(), data())
    assert.deepEqual(changed.toJSON().options, {
      queue: 'hi',
      countdown: 3,
      expires: 3600,
      link: [callback.toJSON()],
      link_error: [callback.toJSON()],
    })
    assert.throws(() => (sig.toJSON().args as unknown[]).push(1), TypeError)
    assert.throws(() => Object.assign(sig.toJSON().options, { queue: 'x' }), TypeError)
  })

  it('takes several callbacks, the same one once', () => {
    const { sig } = make()
    const one = make({ task: 'one' }).sig
    const two = make({ task: 'two' }).sig

    const linked = sig
      .link(one)
      .link(two)
      .link(make({ task: 'one' }).sig)

    assert.deepEqual(linked.toJSON().options['link'], [one.toJSON(), two.toJSON()])
  })

  it('takes a single callback in the data for a list of one', () => {
    const sig = signatureFromWire(data({ options: { link: data() } }), new RecordingSender())

    assert.deepEqual(sig.link(make({ task: 'two' }).sig).toJSON().options['link'], [data(), data({ task: 'two' })])
  })

  it('has clones that are equal and another', () => {
    const { sig } = make()

    assert.notStrictEqual(sig.clone(), sig)
    assert.deepEqual(sig.clone().toJSON(), sig.toJSON())
  })

  it('keeps what it doesn’t know when it is revived, changed and sent', async () => {
    const sender = new RecordingSender()
    const foreign = data({ chord_size: 4, options: { retry_policy: { max_retries: 1 } } })

    const sig = signatureFromWire(JSON.parse(JSON.stringify(foreign)), sender).set({ priority: 3 })
    await sig.delay()

    const expected = data({ chord_size: 4, options: { retry_policy: { max_retries: 1 }, priority: 3 } })
    assert.deepEqual(sig.toJSON(), expected)
    assert.deepEqual(sender.sent, [expected])
  })

  it('refuses wrong options and what is no signature', async () => {
    const { sig } = make()
    const options = { cuontdown: 3 } as object

    assert.throws(() => sig.set(options), InvalidCall, /Unknown option "cuontdown" of cap\.mul/)
    assert.throws(() => sig.link((() => {}) as never), InvalidCall, /link of cap\.mul must be a signature/)
    assert.throws(
      () => signatureFromWire('cap.mul', new RecordingSender()),
      InvalidCall,
      /^The data must be a signature/,
    )
    const error = await sig.applyAsync([], options).catch((cause: unknown) => cause)
    assert.instanceOf(error, InvalidCall)
  })

  it('shows its data when it is printed', () => {
    assert.match(inspect(make().sig), /^Signature \{ *\n? *task: 'cap\.mul'/)
  })

  it('is not thenable', () => {
    assert.notProperty(make().sig, 'then')
  })
})
