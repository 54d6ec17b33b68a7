import { assert } from 'chai'
import { argsRepr, kwargsRepr } from '../../lib/message/args-repr.ts'
import { compress, decompress } from '../../lib/message/compression.ts'
import { parseIsoTime } from '../../lib/message/iso-time.ts'
import { parseJson } from '../../lib/message/json-parser.ts'
import { encodeTaskMessage } from '../../lib/message/protocol-v2.ts'
import { decodeBody, MessageRefused, type ReadPolicy, readMessage } from '../../lib/message/read-message.ts'
import type { TaskMessage } from '../../lib/message/task-message.ts'
import { TypedValue, WireDate } from '../../lib/message/typed-value.ts'
import { type CapturedMessage, capturedMessages, celeryVersions, readPolicy, wireOf } from './captured.ts'

/** Captured messages that this library refuses, and why. */
function refusalExpected({ name, envelope, bodyText }: CapturedMessage): string | undefined {
  if (envelope['content-type'] !== 'application/json' && envelope['content-type'] !== 'application/x-msgpack')
    return 'content-refused'
  if (/bzip2|lzma/.test(name)) return 'unsupported'
  const body = bodyText === undefined ? undefined : (parseJson(bodyText, 256) as any)
  return (Array.isArray(body) ? body[2]?.chord : body?.chord) ? 'unsupported' : undefined
}

function reasonOf(act: () => unknown): string {
  try {
    act()
  } catch (error) {
    assert.instanceOf(error, MessageRefused)
    return error.reason
  }
  return 'accepted'
}

/** A message as it was read, to be sent again. */
function taskMessageOf(wire: CapturedMessage['wire'], policy: ReadPolicy): TaskMessage {
  const { headers, body } = readMessage(wire, policy)
  return { headers, ...(body ?? decodeBody(wire, policy)), replyTo: wire.properties.replyTo }
}

/** The headers that say something: null and Python's defaults are the same as absent. */
function meaningful(headers: Record<string, unknown>): Record<string, unknown> {
  const entries = Object.entries(headers).filter(
    ([name, value]) => name !== 'lang' && value !== null && !isDefault(name, value),
  )
  return Object.fromEntries(
    entries.map(([name, value]) => [
      name,
      name === 'eta' || name === 'expires' ? parseIsoTime(value as string) : value,
    ]),
  )
}

function isDefault(name: string, value: unknown): boolean {
  if (name === 'retries' || name === 'replaced_task_nesting') return value === 0
  if (name === 'timelimit') return JSON.stringify(value) === '[null,null]'
  return name === 'stamps' && Object.keys(value as object).length === 0
}

/** Whether the body tells what Python's repr told: not where there were tuples, given texts, odd time zones or types that 5.2 flattens. */
function showsItsArguments(version: string, { name, bodyText, envelope }: CapturedMessage): boolean {
  if (bodyText === undefined || !envelope.headers.task) return false
  if (/tuple|send_task|map|chunks|reprs|intkeys|datetime|signature_arg/.test(name)) return false
  return version === 'main' || !name.startsWith('json_type_')
}

for (const version of celeryVersions)
  describe(`messages sent by Celery ${version}`, () => {
    let policy: ReadPolicy
    before(async () => {
      policy = await readPolicy()
    })

    const messages = capturedMessages(version)

    it('are all there', () => {
      assert.isAbove(messages.length, 50)
    })

    for (const message of messages) {
      const expected = refusalExpected(message)
      if (expected !== undefined) {
        it(`${message.name}: is refused as ${expected}`, () => {
          assert.equal(
            reasonOf(() => taskMessageOf(message.wire, policy)),
            expected,
          )
        })
        continue
      }

      it(`${message.name}: headers and body are what Python wrote`, () => {
        const read = readMessage(message.wire, policy)
        const body = read.body ?? decodeBody(message.wire, policy)
        const source = message.bodyText === undefined ? undefined : (parseJson(message.bodyText, 256) as any)

        const isV1 = source !== undefined && !Array.isArray(source)
        const fields = isV1 ? { ...source, group: source.taskset ?? source.group } : message.envelope.headers
        assert.equal(read.protocol, isV1 ? 1 : 2)
        assert.equal(read.headers.task, fields.task)
        assert.equal(read.headers.id, fields.id)
        assert.equal(read.headers.retries, fields.retries)
        assert.equal(read.headers.eta, fields.eta ? parseIsoTime(fields.eta) : undefined)
        assert.equal(read.headers.expires, fields.expires ? parseIsoTime(fields.expires) : undefined)
        assert.equal(read.headers.group, fields.group ?? undefined)
        assert.equal(read.headers.groupIndex, fields.group_index ?? undefined)
        assert.equal(read.headers.timeLimits.hard, fields.timelimit[0] ?? undefined)
        assert.equal(read.headers.timeLimits.soft, fields.timelimit[1] ?? undefined)
        assert.equal(read.headers.shadow, fields.shadow ?? undefined)
        assert.equal(read.headers.rootId, fields.root_id)
        assert.equal(read.headers.parentId, fields.parent_id ?? undefined)
        assert.equal(read.headers.ignoreResult, fields.ignore_result)
        if (!isV1) assert.equal(read.headers.argsRepr, fields.argsrepr)
        if (!isV1) assert.equal(read.headers.kwargsRepr, fields.kwargsrepr)
        if (source === undefined) return
        const [args, kwargs] = isV1 ? [source.args, source.kwargs] : source
        if (!message.bodyText!.includes('__type__')) {
          assert.deepEqual(body.args, args)
          assert.deepEqual({ ...body.kwargs }, kwargs)
        }
        const embed = isV1 ? source : source[2]
        for (const part of ['callbacks', 'errbacks', 'chain'] as const)
          assert.deepEqual(body.embed[part] ?? null, embed[part] ?? null)
      })

      const { bodyText } = message
      if (bodyText !== undefined)
        it(`${message.name}: its body is written again with the same JSON value`, () => {
          const json = policy.serializers.loaded('json')

          const again = json.encode(json.decode(bodyText)) as string

          assert.deepEqual(parseJson(again, 256), parseJson(bodyText, 256))
        })

      it(`${message.name}: the same call is sent with the same headers and body`, () => {
        const message2 = taskMessageOf(message.wire, policy)
        const isMsgpack = message.wire.contentType === 'application/x-msgpack'
        const serializer = policy.serializers.loaded(isMsgpack ? 'msgpack' : 'json')

        const sent = encodeTaskMessage(message2, {
          serializer,
          limits: policy.limits,
          compression: message2.headers.compression,
        })

        if (readMessage(message.wire, policy).protocol === 2)
          assert.deepEqual(
            meaningful(sent.headers),
            meaningful({ root_id: message.envelope.headers.id, ...message.envelope.headers }),
          )
        assert.equal(sent.contentType, message.wire.contentType)
        assert.equal(sent.contentEncoding, message.wire.contentEncoding)
        assert.equal(sent.properties.correlationId, message.envelope.properties.correlation_id)
        assert.equal(sent.properties.replyTo, message.envelope.properties.reply_to)
        assert.deepEqual(decodeBody(sent, policy), {
          args: message2.args,
          kwargs: message2.kwargs,
          embed: message2.embed,
        })
        if (isMsgpack) return
        const source = parseJson(message.bodyText!, 256) as any
        const [args, kwargs, embed] = Array.isArray(source) ? source : [source.args, source.kwargs, source]
        const present = ['callbacks', 'errbacks', 'chain']
          .filter((part) => embed[part] != null)
          .map((part) => [part, embed[part]])
        assert.deepEqual(bodyValue(sent), [args, kwargs, Object.fromEntries(present)])
      })

      if (!showsItsArguments(version, message)) continue
      it(`${message.name}: the arguments are shown as Python shows them`, () => {
        const { args, kwargs } = decodeBody(message.wire, policy)

        assert.equal(argsRepr(args), message.envelope.headers.argsrepr)
        assert.equal(kwargsRepr(kwargs), message.envelope.headers.kwargsrepr)
      })
    }
  })

/** The JSON value of a body, its compression taken off. */
function bodyValue(wire: CapturedMessage['wire']): any {
  const { compression } = wire.headers
  const bytes = Buffer.from(wire.body)
  const plain = typeof compression === 'string' ? decompress(compression, bytes, 1_000_000) : bytes
  return parseJson(new TextDecoder().decode(plain), 256)
}

describe('values in messages of Celery main', () => {
  const find = (name: string) => capturedMessages('main').find((message) => message.name === name)!
  const firstArgument = async (name: string) => decodeBody(find(name).wire, await readPolicy()).args[0]

  it('a datetime is a Date that remembers its text', async () => {
    const value = await firstArgument('json_type_datetime_utc')

    assert.instanceOf(value, WireDate)
    assert.equal(value.text, '2026-08-09T10:11:12.345678+00:00')
    assert.equal(value.getTime(), Date.UTC(2026, 7, 9, 10, 11, 12, 345))
  })

  it('an offset is kept in the text and counted in the time', async () => {
    const value = await firstArgument('json_type_datetime_offset')

    assert.instanceOf(value, WireDate)
    assert.equal(value.text, '2026-08-09T10:11:12-05:30')
    assert.equal(value.getTime(), Date.UTC(2026, 7, 9, 15, 41, 12))
  })

  it('date, time, Decimal and UUID are typed values', async () => {
    assert.deepEqual(await firstArgument('json_type_date'), new TypedValue('date', '2026-08-09'))
    assert.deepEqual(await firstArgument('json_type_time'), new TypedValue('time', '10:11:12'))
    assert.deepEqual(await firstArgument('json_type_decimal'), new TypedValue('decimal', '1.10'))
    assert.deepEqual(
      await firstArgument('json_type_uuid'),
      new TypedValue('uuid', { hex: '11111111111141118111111111111111' }),
    )
  })

  it('bytes are bytes, in JSON and in MessagePack', async () => {
    assert.deepEqual(await firstArgument('json_type_bytes_utf8'), new Uint8Array([0x61, 0x62, 0x63]))
    assert.deepEqual(await firstArgument('json_type_bytes_bin'), new Uint8Array([0, 0xff]))
    assert.deepEqual(await firstArgument('ser_msgpack_bytes'), new Uint8Array([0, 0xff]))
  })

  it('NaN, integers beyond 2^53 and lone surrogates arrive as they are', async () => {
    assert.isNaN(await firstArgument('json_type_nan'))
    assert.equal(await firstArgument('json_type_bigint'), 1180591620717411303424n)
    assert.equal(await firstArgument('json_type_surrogate'), '\ud800')
  })

  it('our MessagePack body has exactly the bytes of Python', async () => {
    const policy = await readPolicy()
    const { wire } = find('ser_msgpack')
    const body = decodeBody(wire, policy)

    const bytes = policy.serializers
      .loaded('msgpack')
      .encode([body.args, body.kwargs, { callbacks: null, errbacks: null, chain: null, chord: null }])

    assert.equal(Buffer.from(bytes as Uint8Array).toString('hex'), Buffer.from(wire.body as Uint8Array).toString('hex'))
  })
})

describe('plain typed values, for Celery 5.2', () => {
  const sentBy52 = (name: string) =>
    parseJson(capturedMessages('5.2.6').find((message) => message.name === name)!.bodyText!, 256) as any

  for (const name of ['datetime_utc', 'datetime_naive', 'datetime_offset', 'date', 'time', 'decimal', 'uuid'])
    it(`${name}: what main sent as a pair is sent on as the text that 5.2 would have sent`, async () => {
      const fromMain = capturedMessages('main').find((message) => message.name === `json_type_${name}`)!
      const { args } = decodeBody(fromMain.wire, await readPolicy())
      const plain = (await readPolicy({ typedValues: 'plain' })).serializers.loaded('json')

      assert.deepEqual(JSON.parse(plain.encode(args) as string), sentBy52(`json_type_${name}`)[0])
    })
})

describe('a small message of ours', () => {
  it('takes at most 634 bytes as a kombu envelope in Redis', async () => {
    const { serializers, limits } = await readPolicy()
    const id = '11111111-1111-4111-8111-111111111111'
    const headers = {
      ...{
        task: 'math.add',
        id,
        rootId: id,
        retries: 0,
        timeLimits: {},
        origin: 'gen23721@worker-host',
        ignoreResult: false,
      },
      ...{ argsRepr: '', kwargsRepr: '', replacedTaskNesting: 0, stamps: {}, custom: {} },
    }
    const wire = encodeTaskMessage(
      { headers, args: [1, 2], kwargs: {}, embed: {}, priority: 0 },
      { serializer: serializers.loaded('json'), limits },
    )

    const envelope = {
      body: Buffer.from(wire.body as string).toString('base64'),
      'content-encoding': wire.contentEncoding,
      'content-type': wire.contentType,
      headers: wire.headers,
      properties: {
        correlation_id: id,
        delivery_mode: 2,
        delivery_info: { exchange: '', routing_key: 'celery' },
        priority: 0,
        body_encoding: 'base64',
        delivery_tag: '196123af-16a5-4af2-b32d-c6b41defae6c',
      },
    }

    assert.isAtMost(Buffer.byteLength(JSON.stringify(envelope)), 634)
    assert.deepEqual(readMessage(wireOf(envelope), { serializers, limits }).headers.task, 'math.add')
  })

  it("gzip bodies are zlib streams, byte for byte Celery's header", () => {
    const { data } = compress('gzip', '[[1, 2], {}, {}]')

    assert.equal(Buffer.from(data).readUInt16BE(0), 0x789c)
  })
})
