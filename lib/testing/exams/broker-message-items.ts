import { strict as assert } from 'node:assert'
import type { WireMessage } from '../../message/wire-message.ts'
import { type BrokerUnderExam, consume, idOf, messageTo, wireMessage } from './broker-under-exam.ts'
import { type ExamItem, examItem } from './exam.ts'

/** That a message arrives exactly as it was sent, or not at all. */
export const brokerMessageItems: readonly ExamItem<BrokerUnderExam>[] = [
  ...Object.entries(oddMessages()).map(([what, message]) =>
    examItem<BrokerUnderExam>(`a message arrives as it was sent: ${what}`, async ({ broker }) => {
      await broker.publish([{ message, route: { exchange: '', routingKey: 'q' } }])
      const { inbox } = await consume(broker)
      const { message: arrived } = await inbox.next()
      assert.deepEqual({ ...arrived.headers }, { ...message.headers })
      assert.deepEqual({ ...arrived.properties }, { ...message.properties })
      const { contentType, contentEncoding, body } = arrived
      assert.deepEqual([contentType, contentEncoding], [message.contentType, message.contentEncoding])
      if (typeof message.body === 'string') assert.equal(body, message.body)
      else assert.deepEqual(Buffer.from(body as Uint8Array), Buffer.from(message.body))
    }),
  ),

  examItem('headers named like parts of JavaScript are headers and nothing else', async ({ broker }) => {
    const headers = JSON.parse('{"id":"a","task":"t","__proto__":{"polluted":true},"constructor":{"prototype":1}}')
    await broker.publish([{ message: wireMessage('a', { headers }), route: { exchange: '', routingKey: 'q' } }])
    const { inbox } = await consume(broker)
    const { message } = await inbox.next()
    assert.equal(Object.getPrototypeOf(message.headers), null)
    assert.deepEqual(Object.keys(message.headers).sort(), ['__proto__', 'constructor', 'id', 'task'])
    assert.equal('polluted' in message.headers, false)
    assert.equal(({} as Record<string, unknown>)['polluted'], undefined)
  }),

  examItem('what the sender changes afterwards does not change the message', async ({ broker }) => {
    const headers: Record<string, unknown> = { id: 'a', task: 't', list: [1] }
    const body = new Uint8Array([1, 2, 3])
    await broker.publish([{ message: wireMessage('a', { headers, body }), route: { exchange: '', routingKey: 'q' } }])
    headers['id'] = 'changed'
    body[0] = 9
    const { inbox } = await consume(broker)
    const { message } = await inbox.next()
    assert.equal(idOf({ message }), 'a')
    assert.deepEqual(Buffer.from(message.body as Uint8Array), Buffer.from([1, 2, 3]))
  }),

  ...Object.entries(lossyHeaders()).map(([what, value]) =>
    examItem<BrokerUnderExam>(
      `a header that would not arrive as it is, is refused or arrives: ${what}`,
      async ({ broker }) => {
        const headers = { id: 'a', task: 't', odd: value }
        try {
          await broker.publish([{ message: wireMessage('a', { headers }), route: { exchange: '', routingKey: 'q' } }])
        } catch (error) {
          assert.equal((error as { code?: unknown }).code, 'UMBEL_UNSERIALIZABLE')
          assert.match((error as Error).message, /odd/)
          assert.equal((await broker.admin.counts('q')).waiting, 0)
          return
        }
        const { inbox } = await consume(broker)
        assert.deepEqual((await inbox.next()).message.headers['odd'], value)
      },
    ),
  ),

  examItem('a batch with one message that can not be kept is refused whole', async ({ broker }) => {
    const circle: Record<string, unknown> = {}
    circle['self'] = circle
    const bad = { ...messageTo('q', 'b'), message: wireMessage('b', { headers: { id: 'b', task: 't', circle } }) }
    await assert.rejects(broker.publish([messageTo('q', 'a'), bad]), { code: 'UMBEL_UNSERIALIZABLE' })
    assert.equal((await broker.admin.counts('q')).waiting, 0)
  }),

  examItem('a due time that is no time is refused', async ({ broker }) => {
    for (const notBefore of [Number.NaN, Number.POSITIVE_INFINITY])
      await assert.rejects(broker.publish([messageTo('q', 'a', { notBefore })]), { code: 'UMBEL_INVALID_CALL' })
    assert.equal((await broker.admin.counts('q')).waiting, 0)
  }),

  examItem('a message of megabytes arrives whole', async ({ broker }) => {
    const body = Buffer.alloc(3_000_000, 'äöü€')
    await broker.publish([
      { message: wireMessage('text', { body: body.toString() }), route: { exchange: '', routingKey: 'q' } },
      { message: wireMessage('bytes', { body }), route: { exchange: '', routingKey: 'q' } },
    ])
    const { inbox } = await consume(broker)
    const [text, bytes] = await inbox.take(2)
    assert.ok(text?.message.body === body.toString())
    assert.equal(Buffer.compare(Buffer.from(bytes?.message.body as Uint8Array), body), 0)
  }),
]

function oddMessages(): Record<string, WireMessage> {
  const everyByte = Uint8Array.from({ length: 256 }, (_, index) => index)
  return {
    plain: wireMessage('a'),
    'a body of every byte': wireMessage('a', {
      body: everyByte,
      contentType: 'application/x-msgpack',
      contentEncoding: 'binary',
    }),
    'no body at all': wireMessage('a', { body: '' }),
    'no bytes at all': wireMessage('a', { body: new Uint8Array() }),
    'text with line ends, NUL and quotes': wireMessage('a', { body: 'a\nb\r\n\u0000"\\\u2028\u2029' }),
    'text beyond ASCII and a lone surrogate': wireMessage('a', { body: 'ä€😀 \ud83d' }),
    'an unknown content type': wireMessage('a', { contentType: 'application/x-python-serialize', contentEncoding: '' }),
    'every property': wireMessage('a', {
      properties: {
        correlationId: 'c',
        replyTo: 'r',
        deliveryMode: 2,
        priority: 3,
        expiration: '120000',
        messageId: 'm',
        timestamp: 1_893_456_000,
        type: 't',
        userId: 'u',
        appId: 'app',
      },
    }),
    'nested headers': wireMessage('a', {
      headers: { id: 'a', task: 't', none: null, deep: { list: [1, [2.5, { x: null }], 'y'], yes: true }, '': 'empty' },
    }),
    'large and small numbers': wireMessage('a', {
      headers: { id: 'a', task: 't', max: Number.MAX_SAFE_INTEGER, min: -1e-7, big: 1.5e300 },
    }),
    'header names and values beyond ASCII': wireMessage('a', {
      headers: { id: 'a', task: 't', 'ключ\n': '値\u0000😀' },
    }),
    'no headers': wireMessage('a', { headers: {} }),
  }
}

function lossyHeaders(): Record<string, unknown> {
  return {
    'a BigInt': 2n ** 60n,
    'not a number': Number.NaN,
    infinity: Number.POSITIVE_INFINITY,
    'a date': new Date(0),
    bytes: new Uint8Array([1]),
    'a map': new Map([['a', 1]]),
    'a function': () => 1,
    'a symbol': Symbol('s'),
    'undefined in a list': [undefined],
    'a date deep inside': { a: [{ b: new Date(0) }] },
  }
}
