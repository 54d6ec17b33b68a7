import { spawnSync } from 'node:child_process'
import { createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { assert } from 'chai'
import { readRedisUrl } from '../../../../lib/driver/redis/redis-url.ts'
import { FakeClock } from '../../../../lib/testing/fake-clock.ts'
import { isProgram, needDebianPackage } from '../../../support/debian-packages.ts'
import { needRedis, useRedisServers, useSharedRedis } from '../../../support/servers.ts'
import { type ProxyCounts, TcpProxy } from '../../../support/tcp-proxy.ts'
import { useTempFolders } from '../../../support/temp-folder.ts'
import { until } from '../../../support/until.ts'
import { errorOf, useServers } from './use-servers.ts'

const needed = needRedis()
const neededOpenssl = needDebianPackage({ name: 'openssl', isThere: () => isProgram('openssl') })

describe('a Redis server behind a bad network', () => {
  const redis = useSharedRedis(needed)
  const open = useServers()
  let proxy: TcpProxy
  beforeEach(async () => {
    proxy = new TcpProxy({ to: { port: redis.server.port } })
    await proxy.listen()
  })
  afterEach(() => proxy.close())
  const url = (): string => `redis://127.0.0.1:${proxy.port}/${redis.freshUrl().split('/').at(-1)}`

  it('is reached again by itself after connections were reset', async () => {
    const server = open(url())
    await server.command('SET', ['k', '1'])

    for (let i = 0; i < 10; i++) {
      proxy.reset()
      assert.equal(await server.command('GET', ['k'], { repeat: true }), '1')
    }

    assert.isAtLeast(proxy.counts.connections, 10)
  })

  it('does everything once or says so, wherever connections are cut', async () => {
    const server = open(url())
    await server.open()
    let done = 0
    let unknown = 0

    for (let i = 0; i < 60; i++) {
      await server.open()
      proxy.set({ cutAfter: 1 + ((i * 37) % 300) }, i % 2 === 0 ? 'up' : 'down')
      const ended = await server.pipeline(Array.from({ length: 5 }, () => ({ name: 'INCR', args: ['n'] }))).then(
        () => 'done',
        (error: { code: string }) => error.code,
      )
      if (ended === 'done') done += 5
      else if (ended === 'UMBEL_OUTCOME_UNKNOWN') unknown += 5
      else assert.equal(ended, 'UMBEL_BROKER_UNAVAILABLE')
      proxy.restore()
    }

    const counted = Number(await server.command('GET', ['n'], { repeat: true }))
    assert.isAtLeast(counted, done)
    assert.isAtMost(counted, done + unknown)
    assert.isAbove(done, 0)
    assert.isAbove(unknown, 0)
  })

  for (const direction of ['up', 'down', 'both'] as const) {
    it(`that swallows what goes ${direction} is found out within 20 s, and left`, async () => {
      const clock = new FakeClock()
      const server = open(url(), { clock })
      let messages = 0
      const stop = server.subscribe('swallowed', { onMessage: () => messages++ })
      await until(() => server.isUp && proxy.counts.open === 2, { what: 'both connections' })
      proxy.set({ blackhole: true }, direction)

      await clock.advance(20_000)

      assert.isFalse(server.isUp)
      proxy.restore()
      await until(
        async () => {
          await clock.advance(100)
          await redis.server.run('PUBLISH', 'swallowed', '')
          return messages > 0
        },
        { what: 'a message of the next generation' },
      )
      stop()
    })
  }

  it('that is slow loses nothing', async () => {
    proxy.set({ latencyMs: 30, jitterMs: 20, sliceBytes: 7 })
    const server = open(url())
    let generations = 0
    server.onGeneration(() => generations++)

    const replies = await Promise.all(
      Array.from({ length: 50 }, (_, index) => server.command('ECHO', [`text ${index} ${'x'.repeat(50)}`])),
    )

    assert.deepEqual(
      replies.map((reply) => String(reply).slice(0, 7).trim()),
      Array.from({ length: 50 }, (_, index) => `text ${index}`.slice(0, 7)),
    )
    assert.equal(generations, 1)
  })

  it('leaves nothing of many ended connections', async () => {
    const server = open(url())
    await server.open()
    const before: ProxyCounts = proxy.counts
    for (let i = 0; i < 40; i++) {
      proxy.reset()
      await server.command('PING', [], { repeat: true })
    }

    await until(() => proxy.counts.open === 1, { what: 'one connection', seen: () => JSON.stringify(proxy.counts) })

    assert.isAtLeast(proxy.counts.connections - before.connections, 35)
  })
})

describe('what is no Redis server', () => {
  const open = useServers()
  const servers: Server[] = []
  const sockets = new Set<Socket>()
  afterEach(async () => {
    for (const socket of sockets) socket.destroy()
    for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve))
  })
  const listen = async (onData: (socket: Socket, text: string) => void): Promise<number> => {
    const server = createServer((socket) => {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.setEncoding('utf8').on('data', (text: string) => onData(socket, text))
    })
    servers.push(server)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return (server.address() as { port: number }).port
  }

  it('is told from one by what it answers', async () => {
    const port = await listen((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))

    const error = await errorOf(open(`redis://127.0.0.1:${port}`).command('PING'))

    assert.equal(error.code, 'UMBEL_STORE_UNUSABLE')
    assert.match(error.message, /does not answer as a Redis does/)
  })

  it('and says nothing is given up in time', async () => {
    const clock = new FakeClock()
    const port = await listen(() => {})
    const asked = errorOf(open(`redis://127.0.0.1:${port}`, { clock }).command('PING'))

    await clock.advance(10_000)

    const error = await asked
    assert.equal(error.code, 'UMBEL_BROKER_UNAVAILABLE')
  })

  it('that is too old is refused with its version', async () => {
    const replies = (text: string): string =>
      text
        .split(/\*\d+\r\n/)
        .filter((command) => command !== '')
        .map((command) => {
          if (/time/i.test(command)) return '*2\r\n$10\r\n1700000000\r\n$1\r\n0\r\n'
          if (/info/i.test(command)) return '$22\r\nredis_version:6.0.16\r\n\r\n'
          return '+OK\r\n'
        })
        .join('')
    const port = await listen((socket, text) => socket.write(replies(text)))

    const error = await errorOf(open(`redis://127.0.0.1:${port}`).command('PING'))

    assert.equal(error.code, 'UMBEL_STORE_UNUSABLE')
    assert.match(error.message, /it is Redis 6\.0\.16, and 6\.2 or later is needed/)
  })

  it('where nobody listens is said to be so', async () => {
    const port = await listen(() => {})
    await new Promise((resolve) => servers.pop()!.close(resolve))

    const error = await errorOf(open(`redis://127.0.0.1:${port}`, { timeoutMs: 200 }).command('PING'))

    assert.equal(error.code, 'UMBEL_BROKER_UNAVAILABLE')
    assert.match(error.message, /nothing listens there. Is Redis running/)
  })
})

describe('an encrypted Redis server', () => {
  const redis = useRedisServers(needed)
  const tempFolder = useTempFolders()
  const open = useServers()
  before(function () {
    neededOpenssl(this)
  })

  it('is trusted by its authority alone, and reached through a socket file without', async () => {
    const folder = tempFolder()
    makeCertificate(folder)
    const file = (name: string): string => join(folder, name)
    const socket = file('redis.sock')
    const server = await redis.start({
      'tls-port': '0',
      'tls-cert-file': file('cert.pem'),
      'tls-key-file': file('key.pem'),
      'tls-ca-cert-file': file('cert.pem'),
      'tls-auth-clients': 'no',
      unixsocket: socket,
    })
    const tlsPort = server.port + 1
    await server.run('CONFIG', 'SET', 'tls-port', String(tlsPort))
    const url = (query: string): string => `rediss://localhost:${tlsPort}/0${query}`

    const untrusted = await errorOf(open(url('')).command('PING'))
    const unencrypted = await errorOf(open(`redis://localhost:${tlsPort}/0`).command('PING', [], { timeoutMs: 500 }))

    assert.equal(untrusted.code, 'UMBEL_STORE_UNUSABLE')
    assert.match(untrusted.message, /certificate is not accepted.*ssl_ca_certs/)
    assert.notEqual(unencrypted.code, undefined)
    assert.equal(await open(url(`?ssl_ca_certs=${encodeURIComponent(file('cert.pem'))}`)).command('PING'), 'PONG')
    assert.equal(await open(url('?ssl_cert_reqs=none')).command('PING'), 'PONG')
    const missing = await errorOf(open(url('?ssl_ca_certs=/nowhere.pem')).command('PING'))
    assert.match(missing.message, /\/nowhere\.pem can't be read/)
    assert.equal(await open(`redis+socket://${socket}?db=1`).command('PING'), 'PONG')
  })
})

describe('a master that sentinels name', () => {
  const redis = useRedisServers(needed)
  const open = useServers()

  it('is found, and its successor after it died', async () => {
    const { servers, url } = await redis.startSentinels('main')
    const server = open({ ...readSentinels(url(2), 'main') })
    await server.command('SET', ['k', 'v'])
    await server.command('WAIT', [2, 5_000])

    const since = performance.now()
    await servers[0]!.kill()
    const value = await server.command('GET', ['k'], { repeat: true, timeoutMs: 15_000 })

    assert.equal(value, 'v')
    assert.isBelow(performance.now() - since, 15_000)
    assert.match(String(await server.command('INFO', ['replication'])), /role:master/)
  })

  it('is not known where the sentinels don’t know its name, see too few others, or are gone', async () => {
    const { url, sentinels } = await redis.startSentinels('main')
    const options = { timeoutMs: 1_000 }

    const unknown = await errorOf(open(readSentinels(url(), 'other'), options).command('PING'))
    const alone = await errorOf(open(readSentinels(url(), 'main', 5), options).command('PING'))
    await Promise.all(sentinels.map((sentinel) => sentinel.kill()))
    const gone = await errorOf(open(readSentinels(url(1), 'main'), options).command('PING'))

    assert.match(unknown.message, /no sentinel names a master.*No such master/)
    assert.match(alone.message, /sees 2 other sentinels/)
    assert.match(gone.message, /no sentinel names a master.*nothing listens there/)
  })
})

function readSentinels(url: string, masterName: string, minOtherSentinels = 0) {
  return readRedisUrl(url, { masterName, minOtherSentinels })
}

function makeCertificate(folder: string): void {
  const made = spawnSync('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
    ...['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'],
    ...['-keyout', join(folder, 'key.pem'), '-out', join(folder, 'cert.pem')],
  ])
  assert.equal(made.status, 0, String(made.stderr))
}
