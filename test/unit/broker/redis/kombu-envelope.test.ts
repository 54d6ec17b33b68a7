import { assert } from 'chai'
import { DecodeError } from '../../../../lib/base/errors.ts'
import { markReturned, unmark } from '../../../../lib/broker/redis/envelope-marks.ts'
import { decodeKombuEnvelope, encodeKombuEnvelope, kombuPriority } from '../../../../lib/broker/redis/kombu-envelope.ts'
import type { WireMessage } from '../../../../lib/message/wire-message.ts'
import { capturedMessages, celeryVersions, fixture } from '../../../wire/captured.ts'

const facts = { route: { exchange: '', routingKey: 'celery' }, deliveryTag: 'tag-1' }

function message(more: Partial<WireMessage> = {}): WireMessage {
  const usual = { contentType: 'application/json', contentEncoding: 'utf-8', body: '[[1],{},{}]' }
  return { headers: { id: 'a', task: 't' }, properties: {}, ...usual, ...more }
}

describe('kombu’s envelope', () => {
  for (const version of celeryVersions)
    it(`reads every message that Celery ${version} sent`, () => {
      const captured = capturedMessages(version)

      for (const { name, raw, envelope } of captured) {
        const read = decodeKombuEnvelope(raw)
        assert.deepEqual({ ...read.message.headers }, envelope.headers, name)
        assert.equal(read.deliveryTag, envelope.properties.delivery_tag, name)
        const { exchange, routing_key: routingKey } = envelope.properties.delivery_info
        assert.deepEqual(read.route, { exchange, routingKey }, name)
        assert.equal(read.message.properties.correlationId, envelope.properties.correlation_id, name)
        assert.equal(Buffer.from(read.message.body as Uint8Array).toString('base64'), envelope.body, name)
        assert.deepEqual([read.redelivered, read.losses, read.returns], [false, 0, 0], name)
      }

      assert.isAbove(captured.length, 20)
    })

  it('writes the keys that Python needs, under their names', () => {
    const properties = { correlationId: 'c', replyTo: 'r', deliveryMode: 2, priority: 3 }
    const body = new Uint8Array([0, 255])

    const envelope = JSON.parse(encodeKombuEnvelope(message({ properties, body }), facts))

    assert.deepEqual(envelope, {
      body: 'AP8=',
      'content-encoding': 'utf-8',
      'content-type': 'application/json',
      headers: { id: 'a', task: 't' },
      properties: {
        correlation_id: 'c',
        reply_to: 'r',
        delivery_mode: 2,
        delivery_info: { exchange: '', routing_key: 'celery' },
        priority: 3,
        body_encoding: 'base64',
        delivery_tag: 'tag-1',
      },
    })
  })

  it('sends text as it is, without a body_encoding', () => {
    const envelope = JSON.parse(encodeKombuEnvelope(message(), facts))

    assert.equal(envelope.body, '[[1],{},{}]')
    assert.notProperty(envelope.properties, 'body_encoding')
  })

  it('keeps the due time of a message for its readers', () => {
    const text = encodeKombuEnvelope(message(), { ...facts, notBefore: 1_893_456_000_123 })

    assert.equal(decodeKombuEnvelope(text).notBefore, 1_893_456_000_123)
  })

  it('keeps integers beyond 2^53 and NaN of Python’s headers', () => {
    const text = encodeKombuEnvelope(message(), facts).replace('"id":"a"', '"id":"a","big":9007199254740993,"n":NaN')

    const { headers } = decodeKombuEnvelope(text).message

    assert.equal(headers['big'], 9007199254740993n)
    assert.isNaN(headers['n'])
  })

  for (const version of celeryVersions)
    it(`refuses or reads, but never breaks on, what was tried on Celery ${version}`, () => {
      const { probes } = fixture(`foreign-producer-probes-${version}`)

      for (const { message: probe } of probes) {
        const raw = typeof probe === 'string' ? probe : JSON.stringify(probe)
        try {
          decodeKombuEnvelope(raw)
        } catch (error) {
          assert.instanceOf(error, DecodeError)
        }
      }

      assert.isAbove(probes.length, 10)
    })

  const broken: Record<string, (envelope: any) => unknown> = {
    'a list': () => [],
    'a number': () => 5,
    null: () => null,
    'no body': (e) => ({ ...e, body: undefined }),
    'a body that is no text': (e) => ({ ...e, body: 5 }),
    'no properties': (e) => ({ ...e, properties: undefined }),
    'properties that are a list': (e) => ({ ...e, properties: [] }),
    'no headers': (e) => ({ ...e, headers: undefined }),
    'headers that are text': (e) => ({ ...e, headers: 'x' }),
    'no content type': (e) => ({ ...e, 'content-type': undefined }),
    'a content encoding that is a number': (e) => ({ ...e, 'content-encoding': 7 }),
    'no delivery_tag': (e) => ({ ...e, properties: { ...e.properties, delivery_tag: undefined } }),
    'a delivery_tag that is a number': (e) => ({ ...e, properties: { ...e.properties, delivery_tag: 1 } }),
    'no delivery_info': (e) => ({ ...e, properties: { ...e.properties, delivery_info: undefined } }),
    'no exchange': (e) => ({ ...e, properties: { ...e.properties, delivery_info: { routing_key: 'q' } } }),
    'an unknown body_encoding': (e) => ({ ...e, properties: { ...e.properties, body_encoding: 'utf-8' } }),
    'a body that is no base64': (e) => ({
      ...e,
      body: '***',
      properties: { ...e.properties, body_encoding: 'base64' },
    }),
  }
  for (const [what, spoil] of Object.entries(broken))
    it(`refuses by name: ${what}`, () => {
      const envelope = JSON.parse(encodeKombuEnvelope(message(), facts))

      assert.throws(() => decodeKombuEnvelope(JSON.stringify(spoil(envelope))), DecodeError, /no message of Celery/)
    })

  it('refuses bytes that are no UTF-8, and texts that are no JSON', () => {
    for (const raw of [Buffer.from([0x7b, 0xff, 0x7d]), Buffer.from('{"cut of'), Buffer.from('')])
      assert.throws(() => decodeKombuEnvelope(raw), DecodeError)
  })

  it('reads priorities as kombu does: clamped to 0 to 9, numbers as text too', () => {
    assert.deepEqual([undefined, null, -3, 5, '5', 12, 'x', 3.7].map(kombuPriority), [0, 0, 0, 5, 5, 9, 0, 3])
  })
})

describe('the marks of a message that goes back', () => {
  const python = fixture('unacked-main').worker_busy.unacked
  const captured = JSON.parse(Object.values<string>(python)[0]!)[0]

  it('are kombu’s, and our counts', () => {
    const marked = markReturned(JSON.stringify(captured), { losses: 2, returns: 1, firstReturnedAt: 1_000 })

    const read = decodeKombuEnvelope(marked)
    assert.deepEqual([read.redelivered, read.losses, read.returns, read.firstReturnedAt], [true, 2, 1, 1_000])
    const parsed = JSON.parse(marked)
    assert.isTrue(parsed.headers.redelivered)
    assert.isTrue(parsed.properties.delivery_info.redelivered)
    assert.equal(parsed.body, captured.body)
  })

  it('change nothing else: not a space, not an integer beyond 2^53', () => {
    const text =
      '{"body": "e30=", "headers": { "n" : 9007199254740993, "list": [], "tricky\\"}": "}{" }, "properties": {"delivery_info": {}}}'

    const marked = markReturned(text, { losses: 1, returns: 0, firstReturnedAt: undefined })

    assert.equal(
      marked,
      '{"body": "e30=", "headers": { "n" : 9007199254740993, "list": [], "tricky\\"}": "}{" , "redelivered": true}, ' +
        '"properties": {"delivery_info": {"redelivered": true}, "umbel": {"losses":1,"returns":0}}}',
    )
  })

  it('are taken off again', () => {
    const text = encodeKombuEnvelope(message(), facts)
    const marked = markReturned(text, { losses: 1, returns: 0, firstReturnedAt: undefined })

    assert.deepEqual(JSON.parse(unmark(marked)), JSON.parse(text))
    assert.equal(unmark(text), text)
  })

  it('replace older ones', () => {
    const text = encodeKombuEnvelope(message(), facts)
    const once = markReturned(text, { losses: 1, returns: 0, firstReturnedAt: undefined })

    const twice = markReturned(once, { losses: 2, returns: 0, firstReturnedAt: undefined })

    assert.equal(decodeKombuEnvelope(twice).losses, 2)
    assert.equal(twice.split('redelivered').length, once.split('redelivered').length)
  })

  it('go to the last of members of one name, which is the one that is read', () => {
    const text = encodeKombuEnvelope(message(), facts).replace('"headers":', '"headers":{"x":1},"headers":')

    const marked = markReturned(text, { losses: 0, returns: 0, firstReturnedAt: undefined })

    assert.isTrue(JSON.parse(marked).headers.redelivered)
  })
})
