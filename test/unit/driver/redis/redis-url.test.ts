import { assert } from 'chai'
import { endpointName } from '../../../../lib/driver/redis/redis-endpoint.ts'
import { type RedisUrlOptions, readRedisUrl } from '../../../../lib/driver/redis/redis-url.ts'

describe('reading the URL of a Redis', () => {
  const right: [url: string, options: RedisUrlOptions, endpoint: object][] = [
    ['redis://', {}, { addresses: [{ host: 'localhost', port: 6379 }], db: 0 }],
    ['redis://127.0.0.1', {}, { addresses: [{ host: '127.0.0.1', port: 6379 }], db: 0 }],
    ['redis://my_cache:7000/3', {}, { addresses: [{ host: 'my_cache', port: 7000 }], db: 3 }],
    ['REDIS://[::1]:7000/', {}, { addresses: [{ host: '::1', port: 7000 }], db: 0 }],
    ['redis://host/0?db=5', {}, { addresses: [{ host: 'host', port: 6379 }], db: 5 }],
    ['redis://host?virtual_host=6', {}, { addresses: [{ host: 'host', port: 6379 }], db: 6 }],
    ['redis://:s%40cret%2F@host:1/1', {}, { addresses: [{ host: 'host', port: 1 }], db: 1, password: 's@cret/' }],
    [
      'redis://jo%65:p#w;x@host',
      {},
      { addresses: [{ host: 'host', port: 6379 }], db: 0, username: 'joe', password: 'p#w;x' },
    ],
    ['redis://joe@host', {}, { addresses: [{ host: 'host', port: 6379 }], db: 0, username: 'joe' }],
    ['redis+socket:///run/my%20redis.sock', {}, { addresses: [{ path: '/run/my redis.sock' }], db: 0 }],
    [
      'redis+socket://:pw@/run/redis.sock?virtual_host=2',
      {},
      { addresses: [{ path: '/run/redis.sock' }], db: 2, password: 'pw' },
    ],
    [
      'rediss://host',
      {},
      {
        addresses: [{ host: 'host', port: 6379 }],
        db: 0,
        tls: { verify: true, caFile: undefined, certFile: undefined, keyFile: undefined },
      },
    ],
    [
      'rediss://host/0?ssl_cert_reqs=CERT_NONE&ssl_ca_certs=/ca.pem',
      { ssl: { certFile: '/cert.pem' } },
      {
        addresses: [{ host: 'host', port: 6379 }],
        db: 0,
        tls: { verify: false, caFile: '/ca.pem', certFile: '/cert.pem', keyFile: undefined },
      },
    ],
    [
      'sentinel://:pw@one/4;sentinel://two:1234;sentinel://three',
      { masterName: 'mymaster', minOtherSentinels: 1, sentinelKwargs: { password: 'spw' } },
      {
        addresses: [
          { host: 'one', port: 26379 },
          { host: 'two', port: 1234 },
          { host: 'three', port: 26379 },
        ],
        db: 4,
        password: 'pw',
        sentinel: { masterName: 'mymaster', minOthers: 1, username: undefined, password: 'spw' },
      },
    ],
  ]

  for (const [url, options, endpoint] of right) {
    it(`reads ${url}`, () => {
      assert.deepEqual(readRedisUrl(url, options) as object, endpoint)
    })
  }

  const wrong: [url: string, says: RegExp][] = [
    ['http://host', /no URL of a Redis/],
    ['redis:host', /no URL of a Redis/],
    ['redis://host:0', /port "0"/],
    ['redis://host:99999', /port "99999"/],
    ['redis://host:abc', /port "abc"/],
    ['redis://host/queue', /database "queue"/],
    ['redis://host/0/1', /database "0\/1"/],
    ['redis://host/-1', /database "-1"/],
    ['redis://host?socket_timeot=1', /unknown option "socket_timeot"/],
    ['redis://host?ssl_cert_reqs=none', /unknown option "ssl_cert_reqs"/],
    ['rediss://host?ssl_cert_req=none', /Did you mean ssl_cert_reqs/],
    ['rediss://host?ssl_cert_reqs=maybe', /none of required, optional, none/],
    ['rediss://host?ssl_check_hostname=false', /any host name/],
    ['redis://:%zz@host', /percent sign/],
    ['redis+socket://run/redis.sock', /names a host/],
    ['redis+socket:///', /names no socket/],
    ['sentinel://one', /`masterName`/],
  ]

  for (const [url, says] of wrong) {
    it(`refuses ${url}`, () => {
      assert.throws(() => readRedisUrl(url), says)
    })
  }

  it('refuses sentinels among which one is not', () => {
    assert.throws(() => readRedisUrl('sentinel://one;redis://two', { masterName: 'm' }), /sentinel:\/\//)
  })

  for (const url of [
    'redis://joe:hunter2@host:x\u001b[31m',
    'redis://joe:hunter2#@host/x',
    'redis://:a/hunter2@host/x',
  ]) {
    it(`shows no password when it refuses ${JSON.stringify(url.replace('hunter2', '…'))}`, () => {
      const refuse = (): unknown => readRedisUrl(url)

      assert.throws(refuse, /redis:\/\/\*{8}@/)
      assert.throws(refuse, /^((?!hunter2)\P{Cc})*$/u)
    })
  }

  it('names the server without the password', () => {
    const options = { masterName: 'm/1' }
    const names = [
      'redis://:pw@host/2',
      'rediss://joe:pw@[::1]:7/2',
      'redis+socket://:pw@/a.sock?db=2',
      'sentinel://:pw@one/2;sentinel://two',
    ].map((url) => endpointName(readRedisUrl(url, options)))

    assert.deepEqual(names, [
      'redis://host:6379/2',
      'rediss://joe@[::1]:7/2',
      'redis+socket:///a.sock?db=2',
      'sentinel://one:26379,two:26379/m%2F1/2',
    ])
  })
})
