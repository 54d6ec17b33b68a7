import { assert } from 'chai'
import fc from 'fast-check'
import { decodeEnvelope, dueTime, encodeEnvelope, namesOf, priorityOf } from '../../../lib/broker/envelope.ts'
import type { WireMessage } from '../../../lib/message/wire-message.ts'
import { wireMessage } from '../../../lib/testing/exams/broker-under-exam.ts'

const direct = { exchange: '', routingKey: 'q' }
// JSON.stringify writes -0 as 0, which is the same number.
const json = fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value)) as unknown)
const message: fc.Arbitrary<WireMessage> = fc.record({
  headers: fc.dictionary(fc.string({ unit: 'binary' }), json),
  properties: fc.record(
    { priority: fc.integer(), correlationId: fc.string(), timestamp: fc.integer() },
    { requiredKeys: [] },
  ),
  contentType: fc.string(),
  contentEncoding: fc.string(),
  body: fc.oneof(fc.string({ unit: 'binary' }), fc.uint8Array()),
})

describe('the envelope of a stored message', () => {
  it('gives back every message as it was', () => {
    fc.assert(
      fc.property(message, fc.string(), fc.string(), fc.string(), (sent, exchange, routingKey, queue) => {
        const text = encodeEnvelope(sent, { exchange, routingKey }, queue)
        const { message: read, route } = decodeEnvelope(text, queue)
        assert.notInclude(text, '\n')
        assert.deepEqual(route, { exchange, routingKey })
        assert.sameMembers(Object.keys(read.headers), Object.keys(sent.headers))
        assert.deepEqual({ ...read.headers }, { ...sent.headers })
        assert.deepEqual(read.properties, sent.properties)
        assert.deepEqual([read.contentType, read.contentEncoding], [sent.contentType, sent.contentEncoding])
        assert.deepEqual(read.body, sent.body)
      }),
    )
  })

  it('survives UTF-8, whatever is in it', () => {
    fc.assert(
      fc.property(message, (sent) => {
        const text = encodeEnvelope(sent, direct, 'q')
        assert.equal(Buffer.from(text).toString(), text)
      }),
    )
  })

  it('of damaged text is refused and nothing else happens', () => {
    fc.assert(
      fc.property(message, fc.nat(), fc.nat(), fc.string({ maxLength: 3 }), (sent, from, length, insert) => {
        const text = encodeEnvelope(sent, direct, 'q')
        const at = from % text.length
        const damaged = text.slice(0, at) + insert + text.slice(at + (length % 5))
        try {
          const { message: read } = decodeEnvelope(damaged, 'q')
          assert.isTrue(typeof read.body === 'string' || read.body instanceof Uint8Array)
          assert.isNull(Object.getPrototypeOf(read.headers))
        } catch (error) {
          assert.propertyVal(error, 'code', 'UMBEL_DECODE')
        }
      }),
    )
  })

  it('of something else than an envelope is refused', () => {
    const others = [
      '',
      'null',
      '[]',
      '1',
      '"text"',
      '{}',
      '{"headers":{},"properties":{}}',
      '{"headers":[],"properties":{},"body":""}',
    ]
    others.push(
      '{"headers":{},"properties":{},"body":"","route":["a"]}',
      '{"headers":{},"properties":{},"body":"","type":1}',
    )
    for (const text of others)
      assert.throws(() => decodeEnvelope(text, 'q'), /The stored message is damaged/, undefined, text)
  })

  it('leaves out what is usual', () => {
    const text = encodeEnvelope(wireMessage('a'), direct, 'q')
    assert.deepEqual(Object.keys(JSON.parse(text)), ['body', 'headers', 'properties'])
  })

  it('members that are undefined count as absent', () => {
    const sent = wireMessage('a', { headers: { id: 'a', gone: undefined }, properties: { replyTo: undefined } })
    const { message: read } = decodeEnvelope(encodeEnvelope(sent, direct, 'q'), 'q')
    assert.deepEqual(Object.keys(read.headers), ['id'])
    assert.deepEqual(read.properties, {})
  })

  it('what JSON would change is refused with its path', () => {
    const refuse = (odd: unknown, path: RegExp) =>
      assert.throws(() => encodeEnvelope(wireMessage('a', { headers: { odd } }), direct, 'q'), path)
    refuse({ list: [1, { when: new Date(0) }] }, /headers\.odd\.list\[1\]\.when holds an object of class Date/)
    refuse([1, undefined], /headers\.odd\[1\] holds a value of type undefined/)
    refuse(10n, /headers\.odd holds the BigInt 10n/)
    let deep: unknown = 1
    for (let i = 0; i < 10_000; i++) deep = [deep]
    refuse(deep, /nested over 100 deep/)
  })

  it('bytes come with nothing around them', () => {
    const sent = wireMessage('a', { body: Buffer.from('abc') })
    const { body } = decodeEnvelope(encodeEnvelope(sent, direct, 'q'), 'q').message
    assert.instanceOf(body, Uint8Array)
    assert.equal((body as Uint8Array).buffer.byteLength, 3)
  })
})

describe('what a broker reads from a message', () => {
  it('priorities are whole numbers from 0 to 255, whoever wrote them', () => {
    const of = (priority: unknown) => priorityOf(wireMessage('a', { properties: { priority: priority as number } }))
    assert.deepEqual(
      [undefined, 0, 3, 9.7, '5', 300, -4, Number.NaN, 'x', null].map(of),
      [0, 0, 3, 9, 5, 255, 0, 0, 0, 0],
    )
  })

  it('due times that have passed mean at once, the others are whole', () => {
    assert.isUndefined(dueTime(undefined, 5))
    assert.isUndefined(dueTime(5, 5))
    assert.equal(dueTime(5.2, 5), 6)
    assert.throws(() => dueTime(Number.NaN, 5), /must be a time/)
  })

  it('names are those of the headers where they are text', () => {
    assert.deepEqual(namesOf(wireMessage('a')), { taskId: 'a', task: 'exam.task' })
    assert.deepEqual(namesOf(wireMessage('a', { headers: { id: 1 } })), { taskId: undefined, task: undefined })
    assert.deepEqual(namesOf(undefined), { taskId: undefined, task: undefined })
  })
})
