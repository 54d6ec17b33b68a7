import { assert } from 'chai'
import { InvalidCall, MessageTooLarge, NotSupported, Unserializable } from '../../../lib/base/errors.ts'
import { defaultMessageLimits as limits } from '../../../lib/message/message-limits.ts'
import { encodeTaskMessage } from '../../../lib/message/protocol-v2.ts'
import { decodeBody, readMessage } from '../../../lib/message/read-message.ts'
import type { TaskHeaders, TaskMessage } from '../../../lib/message/task-message.ts'
import { WireDate } from '../../../lib/message/typed-value.ts'
import { readPolicy } from '../../wire/captured.ts'

const id = '11111111-1111-4111-8111-111111111111'

function message(parts: Partial<TaskMessage> = {}, headers: Partial<TaskHeaders> = {}): TaskMessage {
  const base: TaskHeaders = {
    ...{ task: 'math.add', id, rootId: id, retries: 0, timeLimits: {}, argsRepr: '', kwargsRepr: '' },
    ...{ replacedTaskNesting: 0, stamps: {}, custom: {} },
  }
  return { headers: { ...base, ...headers }, args: [1, 2], kwargs: {}, embed: {}, ...parts }
}

async function encode(
  of: TaskMessage,
  options: { serializer?: string; compression?: string; argsRepr?: string; limits?: typeof limits } = {},
) {
  const { serializers } = await readPolicy()
  return encodeTaskMessage(of, { limits, ...options, serializer: serializers.loaded(options.serializer ?? 'json') })
}

const refusal = (of: TaskMessage, options = {}) =>
  encode(of, options).then(
    () => assert.fail('It was not refused.'),
    (error: Error) => error,
  )

describe('encodeTaskMessage', () => {
  it('leaves out what Python takes as absent', async () => {
    const wire = await encode(message())

    assert.deepEqual(wire.headers, {
      lang: 'js',
      task: 'math.add',
      id,
      root_id: id,
      argsrepr: '(1, 2)',
      kwargsrepr: '{}',
    })
    assert.deepEqual(wire.properties, { correlationId: id, deliveryMode: 2 })
    assert.equal(wire.body, '[[1,2],{},{}]')
  })

  it('writes every header that says something', async () => {
    const wire = await encode(
      message(
        { replyTo: 'me', priority: 5, deliveryMode: 1, properties: { appId: 'shop', messageId: 'm' } },
        {
          ...{
            shadow: 'pretty',
            eta: 0,
            expires: 1000,
            group: 'g',
            groupIndex: 0,
            retries: 2,
            timeLimits: { soft: 20 },
          },
          ...{ rootId: 'r', parentId: 'p', origin: 'gen1@h', ignoreResult: false, replacedTaskNesting: 1 },
          ...{ stampedHeaders: ['tenant'], stamps: { tenant: 'a' }, custom: { 'x-trace': 'abc', n: 1, list: [null] } },
        },
      ),
    )

    assert.deepEqual(wire.headers, {
      ...{ lang: 'js', task: 'math.add', id, root_id: 'r', argsrepr: '(1, 2)', kwargsrepr: '{}', origin: 'gen1@h' },
      ...{ ignore_result: false, retries: 2, shadow: 'pretty', eta: '1970-01-01T00:00:00.000000+00:00' },
      ...{
        expires: '1970-01-01T00:00:01.000000+00:00',
        parent_id: 'p',
        group: 'g',
        group_index: 0,
        timelimit: [null, 20],
      },
      ...{
        replaced_task_nesting: 1,
        stamped_headers: ['tenant'],
        stamps: { tenant: 'a' },
        'x-trace': 'abc',
        n: 1,
        list: [null],
      },
    })
    assert.deepEqual(wire.properties, {
      ...{ correlationId: id, deliveryMode: 1, replyTo: 'me', priority: 5, appId: 'shop', messageId: 'm' },
    })
  })

  it('has stamps wherever it has their names, which Python takes for granted', async () => {
    const { headers } = await encode(message({}, { stampedHeaders: ['tenant'] }))

    assert.deepInclude(headers, { stamped_headers: ['tenant'], stamps: {} })
    assert.notProperty((await encode(message({}, { stampedHeaders: [] }))).headers, 'stamped_headers')
  })

  it('has the hard time limit first', async () => {
    assert.deepEqual((await encode(message({}, { timeLimits: { hard: 30, soft: 20 } }))).headers['timelimit'], [30, 20])
  })

  it('shows arguments as the call, then the headers say, and as they are otherwise', async () => {
    assert.equal((await encode(message({}, { argsRepr: '(***)' }))).headers['argsrepr'], '(***)')
    assert.equal((await encode(message({}, { argsRepr: '(***)' }), { argsRepr: '' })).headers['argsrepr'], '')
    assert.equal(
      (await encode(message({ kwargs: { password: 'canary' } }))).headers['kwargsrepr'],
      "{'password': '********'}",
    )
  })

  it('puts only the present signatures in the body', async () => {
    const callback = { task: 'a.b', args: [], kwargs: {}, options: {}, subtask_type: null, immutable: false, extra: 1 }

    const wire = await encode(
      message({ embed: { callbacks: [callback], errbacks: null, chain: [], chord: undefined } }),
    )

    assert.deepEqual(JSON.parse(wire.body as string)[2], { callbacks: [callback], chain: [] })
  })

  for (const compression of ['gzip', 'brotli'])
    for (const serializer of ['json', 'msgpack'])
      it(`is read again: ${serializer}, ${compression}`, async () => {
        const wire = await encode(message({ kwargs: { a: [1n << 60n] } }), { serializer, compression })
        const policy = await readPolicy()

        assert.equal(
          wire.headers['compression'],
          compression === 'gzip' ? 'application/x-gzip' : 'application/x-brotli',
        )
        assert.equal(readMessage(wire, policy).headers.compression, wire.headers['compression'])
        assert.deepEqual({ ...decodeBody(wire, policy).kwargs }, { a: [1n << 60n] })
      })

  it('names the argument that cannot travel', async () => {
    const error = await refusal(message({ args: [0, { when: new Map() }] }))

    assert.instanceOf(error, Unserializable)
    assert.match(error.message, /^args\[1\]\.when is a Map/)
    assert.match((await refusal(message({ kwargs: { file: () => 1 } }))).message, /^kwargs\.file is a function/)
    assert.match(
      (await refusal(message({ args: [undefined] }), { serializer: 'msgpack' })).message,
      /^args\[0\] is undefined/,
    )
  })

  it('writes values of headers as plain data, and reads them as they were', async () => {
    const custom = { when: new WireDate('2026-08-09T10:11:12'), deep: { list: [new Uint8Array([0, 255])] }, '': '' }
    const stamps = { at: new WireDate('2026-08-09T10:11:12') }

    const wire = await encode(message({}, { custom, stamps }))

    assert.deepEqual(wire.headers['when'], { __type__: 'datetime', __value__: '2026-08-09T10:11:12' })
    const { headers } = readMessage(JSON.parse(JSON.stringify(wire)), await readPolicy())
    assert.deepEqual<object>({ ...headers.custom }, custom)
    assert.deepEqual<object>({ ...headers.stamps }, stamps)
  })

  for (const [what, custom, message2] of [
    ['functions', { 'x-f': { a: [() => 1] } }, /^headers\["x-f"\]\.a\[0\] is a function/],
    ['big integers', { n: 2n ** 64n }, /^headers\["n"\] holds a number/],
    ['NaN', { n: [Number.NaN] }, /^headers\["n"\] holds a number/],
  ] as const)
    it(`refuses ${what} in headers, naming the header`, async () => {
      const error = await refusal(message({}, { custom }))

      assert.instanceOf(error, Unserializable)
      assert.match(error.message, message2)
    })

  it("refuses custom headers of the protocol's names, and properties that are not the caller's", async () => {
    for (const name of ['id', 'retries', 'compression', '__proto__']) {
      const error = await refusal(message({}, { custom: JSON.parse(`{"${name}": "x"}`) }))
      assert.instanceOf(error, InvalidCall)
      assert.include(error.message, name)
    }
    for (const properties of [{ deliveryTag: 'x' }, { appId: 5 }, { constructor: 'x' }])
      assert.instanceOf(await refusal(message({ properties })), InvalidCall)
  })

  it('refuses names and ids that could break keys and logs', async () => {
    for (const task of ['', 'a\nb', 'x'.repeat(256), '\u001b[31m'])
      assert.instanceOf(await refusal(message({}, { task })), InvalidCall)
    for (const bad of ['', 'a\u0000', 'x'.repeat(256)])
      assert.instanceOf(await refusal(message({}, { id: bad })), InvalidCall)
  })

  it('refuses what is over the limits, compressed and not', async () => {
    const small = { ...limits, maxBytes: 1000, maxDecompressedBytes: 2000, maxHeaderBytes: 500 }
    const texts = { under: 'é'.repeat(490), over: 'é'.repeat(500), far: 'x'.repeat(2000) }

    assert.isObject(await encode(message({ args: [texts.under] }, { argsRepr: '()' }), { limits: small }))
    const error = await refusal(message({ args: [texts.over] }, { argsRepr: '()' }), { limits: small })
    assert.instanceOf(error, MessageTooLarge)
    assert.match(error.message, /math\.add: its body is 1012 bytes, over the limit of 1000 \(taskMaxMessageSize\)/)
    assert.isObject(
      await encode(message({ args: [texts.over] }, { argsRepr: '()' }), { limits: small, compression: 'gzip' }),
    )
    assert.instanceOf(
      await refusal(message({ args: [texts.far] }, { argsRepr: '()' }), { limits: small, compression: 'gzip' }),
      MessageTooLarge,
    )
    assert.instanceOf(
      await refusal(message({}, { custom: { x: 'é'.repeat(250) } }), { limits: small }),
      MessageTooLarge,
    )
  })

  it('refuses a compression that Node does not have', async () => {
    assert.instanceOf(await refusal(message(), { compression: 'bzip2' }), NotSupported)
  })
})
