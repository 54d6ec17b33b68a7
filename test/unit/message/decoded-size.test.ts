import { deflateSync } from 'node:zlib'
import { assert } from 'chai'
import { MessageTooLarge } from '../../../lib/base/errors.ts'
import { JsonSerializer } from '../../../lib/message/json-serializer.ts'
import { MsgpackSerializer } from '../../../lib/message/msgpack-serializer.ts'
import { decodeBody, MessageRefused } from '../../../lib/message/read-message.ts'
import { readPolicy } from '../../wire/captured.ts'

const mebibyte = 1024 * 1024
/** A list of so many bytes of one MessagePack code. */
function packed(code: number, size: number): Buffer {
  const data = Buffer.alloc(size, code)
  data[0] = 0xdd
  data.writeUInt32BE(size - 5, 1)
  return data
}

describe('what a body becomes in memory', () => {
  const limits = { maxDepth: 256, maxDecodedBytes: 32 * mebibyte }
  const json = new JsonSerializer({ typedValues: 'kombu', ...limits })
  const msgpack = new MsgpackSerializer(limits)

  it('is refused before it is decoded, when small text would become large objects', () => {
    for (const part of ['{},', '[],', '"",', '0,'])
      assert.throws(
        () => json.decode(`[${part.repeat((6 * mebibyte) / part.length)}0]`),
        MessageTooLarge,
        'maxDecodedSize',
      )
  })

  it('is refused before it is decoded, when single bytes of MessagePack would become objects', () => {
    for (const code of [0x80, 0x90, 0xa0, 0x00])
      assert.throws(() => msgpack.decode(packed(code, 3 * mebibyte)), MessageTooLarge, 'maxDecodedSize')
  })

  it('is taken where it is as large as its text', () => {
    assert.lengthOf(json.decode(`"${'x'.repeat(20 * mebibyte)}"`) as string, 20 * mebibyte)
    assert.lengthOf(json.decode(`["${'{},'.repeat(7 * mebibyte)}"]`) as string[], 1)
    assert.lengthOf(msgpack.decode(msgpack.encode('x'.repeat(20 * mebibyte))) as string, 20 * mebibyte)
  })

  it('counts after decompression, and sets the message aside as too large', async () => {
    const policy = await readPolicy()
    const body = deflateSync(packed(0x80, 60 * mebibyte))
    assert.isBelow(body.length, 100_000)

    const read = () =>
      decodeBody(
        {
          headers: { task: 'a', id: 'b', compression: 'application/x-gzip' },
          properties: {},
          contentType: 'application/x-msgpack',
          contentEncoding: 'binary',
          body,
        },
        policy,
      )

    assert.throws(read, MessageRefused, 'would take more than 256 MiB')
    try {
      read()
    } catch (error) {
      assert.equal((error as MessageRefused).reason, 'too-large')
    }
  })
})
