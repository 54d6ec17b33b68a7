import { gzipSync } from 'node:zlib'
import { assert } from 'chai'
import { DecodeError, MessageTooLarge, NotSupported } from '../../../lib/base/errors.ts'
import { compress, compressionNames, decompress } from '../../../lib/message/compression.ts'

const text = '[["é", 1], {}, {}]'.repeat(100)

describe('compression', () => {
  for (const name of compressionNames()) {
    it(`${name}: takes off what it put on`, () => {
      const { contentType, data } = compress(name, text)

      assert.isBelow(data.byteLength, text.length)
      assert.equal(Buffer.from(decompress(contentType, data, 10_000)).toString(), text)
      assert.equal(Buffer.from(decompress(name, compress(name, Buffer.from(text)).data, 10_000)).toString(), text)
    })

    it(`${name}: gives exactly as much as is allowed, and stops one byte earlier`, () => {
      const { contentType, data } = compress(name, 'x'.repeat(5000))

      assert.equal(decompress(contentType, data, 5000).byteLength, 5000)
      assert.throws(() => decompress(contentType, data, 4999), MessageTooLarge, /4999/)
    })

    it(`${name}: a bomb costs no more than its limit`, () => {
      const { contentType, data } = compress(name, Buffer.alloc(64 * 1024 * 1024))
      const before = process.memoryUsage.rss()

      assert.throws(() => decompress(contentType, data, 1_000_000), MessageTooLarge)

      assert.isBelow(process.memoryUsage.rss() - before, 32 * 1024 * 1024)
    })

    it(`${name}: damaged data is said to be damaged`, () => {
      const { contentType, data } = compress(name, text)
      const flipped = Uint8Array.from(data, (byte, index) => (index === 5 ? byte ^ 0xff : byte))

      for (const damaged of [data.subarray(0, -5), new Uint8Array(), Buffer.from(text), flipped])
        assert.throws(
          () => decompress(contentType, damaged, 10_000),
          DecodeError,
          contentType.includes('gzip') ? /gzip/ : /not the/,
        )
    })
  }

  it('has at least gzip, zlib and brotli', () => {
    assert.includeMembers(compressionNames(), ['gzip', 'zlib', 'brotli'])
  })

  it('gzip files are not what Celery calls gzip', () => {
    assert.throws(() => decompress('application/x-gzip', gzipSync(text), 10_000), DecodeError)
  })

  it('names what Node has no code for, and what there is instead', () => {
    for (const name of ['bzip2', 'application/x-bz2', 'lzma', 'xz', 'application/x-lzma']) {
      assert.throws(() => compress(name, text), NotSupported, /Node has no (bzip2|lzma)\. Here are: gzip/)
      assert.throws(() => decompress(name, Buffer.from(text), 10), NotSupported, /Node has no/)
    }
    for (const name of ['lz4', '__proto__', 'constructor', ''])
      assert.throws(() => compress(name, text), NotSupported, /no compression is named/)
  })
})
