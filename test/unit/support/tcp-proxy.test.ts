import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { assert } from 'chai'
import { useProxies } from '../../support/tcp-proxy.ts'
import { until } from '../../support/until.ts'

describe('TCP proxy', () => {
  const newProxy = useProxies()
  let server: Server
  let toServer: { port: number }
  const atServer: Socket[] = []
  const clients: Socket[] = []

  beforeEach(async () => {
    server = createServer((socket) => {
      atServer.push(socket)
      socket.on('error', () => {})
      socket.pipe(socket)
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    toServer = { port: (server.address() as AddressInfo).port }
  })
  afterEach(async () => {
    for (const socket of [...clients.splice(0), ...atServer.splice(0)]) socket.destroy()
    server.close()
    await once(server, 'close')
  })

  it('passes bytes both ways, counts them, and passes on the end', async () => {
    const proxy = await newProxy({ to: toServer })
    const client = await open(proxy.port)

    client.socket.write('hello')
    await until(() => client.text() === 'hello', { what: 'the echo' })
    client.socket.end()
    await client.ended

    assert.deepInclude(proxy.counts, { connections: 1, up: 5, down: 5, passedUp: 5, passedDown: 5 })
  })

  it('delays by the latency, keeps the order under jitter, and no longer once restored', async () => {
    const proxy = await newProxy({ to: toServer })
    const client = await open(proxy.port)
    proxy.set({ latencyMs: 80, jitterMs: 60 }, 'up')

    const startedAt = performance.now()
    for (const word of ['a', 'b', 'c', 'd']) {
      client.socket.write(word)
      await new Promise((resolve) => setImmediate(resolve))
    }
    await until(() => client.text().length === 4, { what: 'the echo' })
    assert.isAtLeast(performance.now() - startedAt, 20, 'no chunk may come before its latency')
    assert.equal(client.text(), 'abcd')

    proxy.restore()
    client.socket.write('e')
    await until(() => client.text() === 'abcde', { what: 'the echo after the latency' })
  })

  it('narrows the line to so many bytes a second', async () => {
    const proxy = await newProxy({ to: toServer })
    const client = await open(proxy.port)
    proxy.set({ bandwidth: 100_000 }, 'up')

    const startedAt = performance.now()
    client.socket.write(Buffer.alloc(20_000, 'x'))
    await until(() => client.text().length === 20_000, { what: 'all of it' })

    assert.isAtLeast(performance.now() - startedAt, 190)
  })

  it('swallows both directions and keeps the connection open', async () => {
    const proxy = await newProxy({ to: toServer })
    const client = await open(proxy.port)
    proxy.set({ blackhole: true })

    client.socket.write('lost')
    await until(() => proxy.counts.up === 4, { what: 'the proxy to have swallowed it' })
    assert.equal(proxy.counts.passedUp, 0)
    assert.isFalse(client.socket.destroyed)

    proxy.restore()
    client.socket.write('found')
    await until(() => client.text() === 'found', { what: 'what came after' })
  })

  it('swallows one direction alone: the connection is half-open', async () => {
    const proxy = await newProxy({ to: toServer })
    const client = await open(proxy.port)
    proxy.set({ blackhole: true }, 'down')

    client.socket.write('heard')
    await until(() => proxy.counts.down === 5, { what: 'the answer to be swallowed' })

    assert.deepInclude(proxy.counts, { passedUp: 5, passedDown: 0, open: 1 })
    assert.equal(client.text(), '')
  })

  it('resets every connection, and both sides see it', async () => {
    const proxy = await newProxy({ to: toServer })
    const client = await open(proxy.port)
    client.socket.write('.')
    await until(() => client.text() === '.', { what: 'the connection to stand' })

    proxy.reset()

    assert.equal(await client.failed, 'ECONNRESET')
    await until(() => atServer[0]!.destroyed, { what: 'the server to see it' })
    assert.equal(proxy.counts.open, 0)
  })

  it('is down until restored: new connections are reset too', async () => {
    const proxy = await newProxy({ to: toServer })
    proxy.down()
    assert.equal(await (await open(proxy.port)).failed, 'ECONNRESET')

    proxy.restore()
    const client = await open(proxy.port)
    client.socket.write('back')
    await until(() => client.text() === 'back', { what: 'the echo' })
  })

  for (const direction of ['up', 'down'] as const) {
    it(`cuts after so many bytes, ${direction === 'up' ? 'to the server' : 'from the server'}`, async () => {
      const proxy = await newProxy({ to: toServer })
      const client = await open(proxy.port)
      proxy.set({ cutAfter: 7 }, direction)

      client.socket.write('0123')
      await until(() => client.text() === '0123', { what: 'what is under the limit' })
      client.socket.write('456789')

      await client.closed
      assert.equal(proxy.counts[direction === 'up' ? 'passedUp' : 'passedDown'], 7)
      assert.include('0123456', client.text())
    })
  }

  it('slices into single bytes, and nothing is lost or joined before it is passed on', async () => {
    const proxy = await newProxy({ to: toServer })
    const client = await open(proxy.port)
    const chunks: number[] = []
    client.socket.on('data', (chunk: Buffer) => chunks.push(chunk.length))
    proxy.set({ sliceBytes: 1 }, 'down')

    client.socket.write('0123456789')
    await until(() => client.text() === '0123456789', { what: 'the echo' })

    assert.isAbove(chunks.length, 3, `came as ${chunks.join(', ')}`)
  })

  it('turns one bit of one byte', async () => {
    const proxy = await newProxy({ to: toServer })
    const client = await open(proxy.port)
    proxy.set({ flipByte: 5 }, 'up')

    client.socket.write('abc')
    await until(() => client.text() === 'abc', { what: 'the first part' })
    client.socket.write('defghi')
    await until(() => client.text().length === 9, { what: 'the rest' })

    assert.equal(client.text(), 'abcdegghi')
  })

  it('takes changes while connections are open, and closes with nothing left', async () => {
    const proxy = await newProxy({ to: toServer })
    const slow = await open(proxy.port)
    proxy.set({ latencyMs: 60_000 })
    slow.socket.write('never')
    await until(() => proxy.counts.up === 5, { what: 'the proxy to have it' })

    await proxy.close()

    assert.equal(await slow.failed, 'ECONNRESET')
    assert.equal(proxy.counts.open, 0)
    proxy.close = async () => {}
  })

  interface Client {
    readonly socket: Socket
    text(): string
    readonly ended: Promise<void>
    readonly closed: Promise<void>
    /** The code of the error that ended it. */
    readonly failed: Promise<string>
  }

  async function open(port: number): Promise<Client> {
    const socket = connect(port, '127.0.0.1')
    clients.push(socket)
    let text = ''
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1')
    })
    const ended = new Promise<void>((resolve) => socket.once('end', () => resolve()))
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
    const failed = new Promise<string>((resolve) =>
      socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? String(error))),
    )
    // Refused or not: who is reset at once learns it as a failure.
    await Promise.race([once(socket, 'connect').catch(() => {}), failed])
    return { socket, text: () => text, ended, closed, failed }
  }
})
