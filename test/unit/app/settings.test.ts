import { assert } from 'chai'
import { settingsOfApp } from '../../../lib/app/app-settings.ts'
import type { Settings } from '../../../lib/app/config.ts'
import { settingsTable } from '../../../lib/app/settings-table.ts'
import { resolveSettings, validateSettings } from '../../../lib/app/validate-config.ts'
import { InvalidSettings } from '../../../lib/base/errors.ts'
import { silentLogger } from '../../../lib/base/logger.ts'
import { celerySettingNames } from './celery-setting-names.ts'

const problemsOf = (settings: object): string[] => validateSettings(settings, 'test').problems
const resolved = (settings: Settings) => resolveSettings([{ settings, origin: 'test' }], { what: 'the test' }).settings

describe("Celery's settings", () => {
  it('are 224, and each is known', () => {
    const known = new Set([...settingsTable.values()].map((row) => row.celery))

    assert.lengthOf(new Set(celerySettingNames), 224)
    assert.deepEqual(
      celerySettingNames.filter((name) => !known.has(name)),
      [],
    )
  })

  it('nothing is passed off as one of them that is not', () => {
    const claimed = [...settingsTable.values()].flatMap((row) => row.celery ?? [])

    assert.deepEqual(
      claimed.filter((name) => !celerySettingNames.includes(name)),
      [],
    )
  })

  it('are camelCase here, and nothing public of ours ends in Ms', () => {
    for (const { name, celery } of settingsTable.values()) {
      assert.match(name, /^[a-z][a-zA-Z0-9]*$/)
      if (celery === undefined) assert.notMatch(name, /Ms$/)
    }
  })

  it('one that is not supported is refused whatever its value, with the reason', () => {
    for (const { name, status, reason } of settingsTable.values()) {
      if (status === 'supported') continue
      for (const value of [null, false, 1, '', {}]) {
        const [problem = '', ...more] = problemsOf({ [name]: value })
        assert.isEmpty(more)
        assert.equal(
          problem,
          `${name} ${status === 'later' ? 'is not supported yet' : 'has no meaning here'}: ${reason}.`,
        )
      }
    }
  })

  it('every default is a right value', () => {
    for (const { name, kind, default: byDefault } of settingsTable.values())
      if (kind !== undefined && name !== 'brokerUrl' && name !== 'resultBackend')
        assert.deepEqual(kind.check(byDefault, name), [], name)
  })
})

describe('validateSettings', () => {
  /** A right value, and a wrong one with a part of what is said about it. */
  const cases: Record<string, [right: unknown, wrong: unknown, says: string]> = {
    acceptContent: [
      ['json', 'application/x-msgpack'],
      ['json', 'pickle'],
      "acceptContent[1] cannot be 'pickle': it lets a message run code",
    ],
    resultAcceptContent: [null, ['yaml'], 'Umbel has no YAML'],
    enableUtc: [true, false, 'must be true'],
    imports: [[() => undefined, './tasks.ts'], [''], 'imports[0] must be a function such as () => import'],
    include: [['a'], './tasks.ts', 'must be a list'],
    logger: [silentLogger, { info() {} }, 'as pino has'],
    logLevel: ['debug', 'warning', "cannot be 'warning': the level is called warn"],
    taskAnnotations: [
      { '*': { maxRetries: 1 } },
      { 'a.b': { maxRetrys: 1 } },
      'taskAnnotations["a.b"]: "maxRetrys" is no option of a task (did you mean "maxRetries"?)',
    ],
    taskCompression: ['zlib', 'zlob', 'Did you mean zlib?'],
    taskProtocol: [2, 1, 'protocol 1 is read but not written'],
    taskSerializer: ['msgpack', 'jsno', "must be 'json' or 'msgpack', not 'jsno'. Did you mean json?"],
    taskPublishRetry: [false, 'no', "must be true or false, not 'no'"],
    taskPublishRetryPolicy: [
      { maxRetries: null, intervalMax: '5s' },
      { maxRetris: 1 },
      'taskPublishRetryPolicy.maxRetris is unknown. Did you mean maxRetries?',
    ],
    taskPublishTimeout: ['10s', '0s', 'more than 0'],
    taskMaxMessageSize: [65_536, '16MB', 'a whole number of bytes from 1024'],
    taskAlwaysEager: [true, 1, 'must be true or false, not 1'],
    taskEagerPropagates: [true, null, 'not null'],
    taskStoreEagerResult: [true, [], 'not an empty list'],
    taskIgnoreResult: [true, new Date(), 'not a Date'],
    taskStoreErrorsEvenIfIgnored: [true, {}, 'not an object'],
    taskTrackStarted: [true, () => true, 'not a function'],
    taskTimeLimit: [1.5, 90_000, 'did you mean milliseconds?'],
    taskSoftTimeLimit: ['30s', 0, 'more than 0'],
    taskAcksLate: [false, 1n, 'not 1n'],
    taskAcksOnFailure: [null, 0, 'or null, not 0'],
    taskAcksOnTimeout: [true, 0, 'or null, not 0'],
    taskAcksOnFailureOrTimeout: [false, null, 'not null'],
    taskRejectOnWorkerLost: [false, null, 'not null'],
    taskInheritParentPriority: [true, 'x', "not 'x'"],
    taskDefaultPriority: [9, 256, 'from 0 to 255'],
    taskQueues: [
      ['mail', { name: 'feeds', exchange: 'f', exchangeType: 'topic', bindings: [{ routingKey: 'a.#' }] }],
      [{ name: 'q', maxLength: 5 }],
      'taskQueues[0].maxLength is not supported yet',
    ],
    taskRoutes: [
      { 'feed.*': 'feeds', a: { queue: 'q', priority: 3 } },
      { a: { que: 'x' } },
      'taskRoutes for "a" has the unknown key que',
    ],
    taskCreateMissingQueues: [false, 'off', "not 'off'"],
    taskDefaultQueue: ['main', 'a\nb', "without control characters, not 'a\\nb'"],
    taskDefaultExchange: ['main', '', '1 to 255 bytes'],
    taskDefaultExchangeType: ['topic', 'headers', 'headers exchanges are not supported yet'],
    taskDefaultRoutingKey: ['main', 'x'.repeat(256), '1 to 255 bytes'],
    taskDefaultDeliveryMode: [1, 3, 'must be 1 or 2'],
    brokerUrl: ['sqlite:///tmp/a.db', 'sqlte:///a.db', '"sqlte:" is no broker. Did you mean sqlite:?'],
    brokerTransportOptions: [
      { synchronous: 'full' },
      { synchronous: 'off' },
      "brokerTransportOptions.synchronous must be 'normal' or 'full'",
    ],
    brokerUseSsl: [{ sslCaCerts: '/ca.pem' }, { sslCertReqs: 'maybe' }, ".sslCertReqs must be 'required' or 'none'"],
    leaseDuration: ['30s', '10ms', 'at least 1000 ms'],
    maxDeliveries: [1, 0, 'from 1 to'],
    unknownTaskLimit: ['0s', 3600, "write '3600s' or '3600ms'"],
    jsonTypedValues: ['plain', 'celery', "must be 'kombu' or 'plain'"],
    maxDecompressedSize: [1024, 1.5, 'a whole number of bytes'],
    maxMessageDepth: [1, 0, 'from 1 to'],
    maxDecodedSize: [1024, 0, 'a whole number of bytes'],
    maxHeaderSize: [1024, -1, 'a whole number of bytes'],
    maxSignatures: [1, 0, 'from 1 to'],
    resultBackend: ['disabled://', 'mongodb://h', '"mongodb:" is no result backend'],
    resultSerializer: ['json', 'pickle', 'never decoded here'],
    resultExtended: [true, 'true', "not 'true'"],
    resultMaxSize: [1024, 0, 'a whole number of bytes'],
    resultExpires: [null, -1, 'must be a number of seconds, 0 or more'],
    resultBackendTransportOptions: [
      { globalKeyprefix: 'app', masterName: 'main', sentinelKwargs: { password: 'pw' } },
      { globalKeyPrefix: 'app' },
      'resultBackendTransportOptions.globalKeyPrefix is unknown. Did you mean globalKeyprefix?',
    ],
    redisSocketTimeout: ['5s', '1ms', 'at least 100 ms'],
    redisBackendUseSsl: [{ sslCertReqs: 'none' }, true, 'must be an object of sslCertReqs'],
    resultGetTimeout: [null, 10, "write '10s' or '10ms'"],
    workerConcurrency: [1, 0, 'from 1 to'],
    workerPrefetchMultiplier: [1, 0, 'from 1 to'],
    workerPrefetchSize: [1024, 0, 'a whole number of bytes'],
    workerMemoryWatermark: [0, -1, 'a whole number of bytes'],
    workerPool: ['async', 'threads', 'only async is supported yet'],
    workerMaxBlockedLoop: ['1m', '1ms', 'at least 1000 ms'],
    workerSoftShutdownTimeout: [10, -1, 'a number of seconds'],
  }

  it('has a case here for every supported setting', () => {
    const supported = [...settingsTable.values()].filter((row) => row.status === 'supported').map((row) => row.name)

    assert.sameMembers(Object.keys(cases), supported)
  })

  for (const [name, [right, wrong, says]] of Object.entries(cases))
    it(`${name}: takes what is right and refuses what is wrong, by name`, () => {
      assert.deepEqual(problemsOf({ [name]: right }), [])

      const problems = problemsOf({ [name]: wrong })

      assert.lengthOf(problems, 1)
      assert.isTrue(problems[0]!.startsWith(name), problems[0])
      assert.include(problems[0], says)
      assert.match(problems[0]!, /[.?]$/)
    })

  for (const [given, meant] of [
    ['taskSerialiser', 'taskSerializer'],
    ['task_serializer', 'taskSerializer'],
    ['CELERY_TASK_SERIALIZER', 'taskSerializer'],
    ['CELERY_ACKS_LATE', 'taskAcksLate'],
    ['CELERYD_CONCURRENCY', 'workerConcurrency'],
    ['CELERYBEAT_SCHEDULE', 'beatSchedule'],
    ['BROKER_URL', 'brokerUrl'],
    ['CELERY_RESULT_BACKEND', 'resultBackend'],
    ['concurrency', 'workerConcurrency'],
    ['brocker', 'broker'],
  ] as const)
    it(`answers ${given} with ${meant}`, () => {
      assert.deepEqual(problemsOf({ [given]: 1 }), [`${given} is no setting. Did you mean ${meant}?`])
    })

  it('an unknown name that is near to nothing is refused too', () => {
    assert.deepEqual(problemsOf({ banana: 1 }), ['banana is no setting. The reference page lists all of them.'])
  })

  it('names from the prototype are no settings', () => {
    const hostile = JSON.parse('{"__proto__": {"taskAcksLate": false}, "constructor": 1, "hasOwnProperty": 1}')

    assert.lengthOf(problemsOf(hostile), 3)
  })

  it('an undefined setting counts as not given, but for broker', () => {
    assert.deepEqual(problemsOf({ taskTimeLimit: undefined, backend: undefined }), [])
    for (const name of ['broker', 'brokerUrl'])
      for (const value of [undefined, '', null]) assert.include(problemsOf({ [name]: value }).join(), 'unset', name)
  })

  it('broker and brokerUrl are one setting, as are backend and resultBackend', () => {
    assert.deepEqual(validateSettings({ broker: 'memory://', backend: 'disabled://' }, 'test').settings, {
      brokerUrl: 'memory://',
      resultBackend: 'disabled://',
    })
    assert.deepEqual(problemsOf({ broker: 'memory://', brokerUrl: 'memory://' }), [])
    assert.deepEqual(problemsOf({ broker: 'memory://a', brokerUrl: 'memory://b' }), [
      'broker and brokerUrl are one setting, and their values differ. Give one of them.',
    ])
  })

  it('shows no secret in a problem', () => {
    const problems = problemsOf({
      broker: 'amqp://u:hush@h',
      backend: 'nope://u:hush@h',
      securityKeyPassword: 'hush',
      taskSerializer: 'redis://u:hush@h',
    })

    assert.lengthOf(problems, 4)
    assert.notInclude(problems.join(), 'hush')
  })

  it('shows no control character of a value or a name in a problem', () => {
    const shown = problemsOf({ taskSerializer: '\u001b[2J\n', 'a\u001bb\n': 1, broker: '\u009b:' }).join()

    assert.deepEqual(
      [...shown].filter((character) => character < ' ' || (character >= '\u007f' && character < '\u00a0')),
      [],
    )
  })

  it('settings that are no object are refused', () => {
    for (const wrong of ['x', 5, null, [], new Map()])
      assert.lengthOf(validateSettings(wrong, 'new Umbel("x")').problems, 1)
  })
})

describe('resolveSettings', () => {
  it('fills in every default; durations are ms', () => {
    assert.deepInclude(resolved({}), {
      acceptContent: ['json', 'msgpack'],
      taskAcksLate: true,
      taskRejectOnWorkerLost: true,
      workerConcurrency: 100,
      workerPrefetchMultiplier: 4,
      maxDeliveries: 10,
      unknownTaskLimitMs: 3_600_000,
      leaseDurationMs: 10_000,
      resultGetTimeoutMs: 300_000,
      resultExpiresMs: 86_400_000,
      taskMaxMessageSize: 16 * 1024 * 1024,
      taskTimeLimitMs: null,
      taskDefaultQueue: 'celery',
      brokerIsDefault: true,
    })
  })

  it('has a value, never undefined, for every supported setting', () => {
    const settings = resolved({}) as unknown as Record<string, unknown>

    for (const { name, kind } of settingsTable.values())
      if (kind !== undefined) assert.notStrictEqual(settings[kind.isDuration ? `${name}Ms` : name], undefined, name)
  })

  it('seconds and written durations become ms', () => {
    assert.deepInclude(
      resolved({ taskTimeLimit: 1.5, taskSoftTimeLimit: '500ms', resultExpires: '2h', resultGetTimeout: null }),
      {
        taskTimeLimitMs: 1500,
        taskSoftTimeLimitMs: 500,
        resultExpiresMs: 7_200_000,
        resultGetTimeoutMs: null,
      },
    )
  })

  it('results kept for 0 seconds are kept for ever, as in Celery', () => {
    assert.isNull(resolved({ resultExpires: 0 }).resultExpiresMs)
  })

  it('a retry policy given in part keeps the defaults of the rest', () => {
    assert.deepEqual(
      resolved({ taskPublishRetryPolicy: { maxRetries: null, intervalMax: '5s' } }).taskPublishRetryPolicy,
      {
        maxRetries: null,
        startMs: 0,
        stepMs: 200,
        maxMs: 5000,
      },
    )
  })

  it('the default broker is a file beside the nearest package.json, and results go to the broker', () => {
    const settings = resolved({})

    assert.match(settings.brokerUrl, /^sqlite:\/\/\/.*\/\.umbel\/umbel\.db$/)
    assert.equal(settings.resultBackend, settings.brokerUrl)
    assert.isFalse(resolved({ broker: settings.brokerUrl }).brokerIsDefault)
  })

  it('what it returns cannot be changed, and is no part of what was given', () => {
    const given = { acceptContent: ['json'] }
    const settings = resolved(given)

    given.acceptContent.push('msgpack')

    assert.deepEqual(settings.acceptContent, ['json'])
    assert.throws(() => Object.assign(settings, { workerConcurrency: 1 }), TypeError)
    assert.throws(() => (settings.acceptContent as string[]).push('x'), TypeError)
  })

  it('a soft time limit above the hard one is refused', () => {
    assert.throws(
      () => resolved({ taskTimeLimit: 10, taskSoftTimeLimit: '11s' }),
      InvalidSettings,
      'taskSoftTimeLimit (11000 ms) is longer than',
    )
  })

  it('sentinels without the name of their master are refused', () => {
    const backend = 'sentinel://a;sentinel://b'

    assert.throws(
      () => resolved({ backend }),
      InvalidSettings,
      "Set resultBackendTransportOptions: { masterName: '…' }",
    )
    assert.equal(resolved({ backend, resultBackendTransportOptions: { masterName: 'm' } }).resultBackend, backend)
  })

  it('all problems of all layers are in one error', () => {
    const layers = [
      { settings: { taskSerializer: 'yml' }, origin: 'one' },
      { settings: { maxDeliveries: -1, colour: 'red' }, origin: 'two' },
    ]

    assert.throws(
      () => resolveSettings(layers, { what: 'app "shop"', problems: ['UMBEL_X names no setting.'] }),
      InvalidSettings,
      /^Cannot set up app "shop": 4 settings are wrong:\n- UMBEL_X .*\n- taskSerializer .*\n- maxDeliveries .*\n- colour .*$/,
    )
  })
})

describe('precedence of settings', () => {
  it('UMBEL_* over code over CELERY_* over defaults, and each says where it came from', () => {
    const env = { UMBEL_MAX_DELIVERIES: '1', CELERY_TASK_TRACK_STARTED: 'true', CELERY_WORKER_CONCURRENCY: '3' }

    const { settings, origins } = settingsOfApp(
      'shop',
      { maxDeliveries: 2, workerConcurrency: 2, taskIgnoreResult: true },
      env,
    )

    assert.deepInclude(settings, {
      maxDeliveries: 1,
      workerConcurrency: 2,
      taskTrackStarted: true,
      taskIgnoreResult: true,
      resultExtended: false,
    })
    assert.deepEqual(Object.fromEntries(origins), {
      maxDeliveries: 'UMBEL_MAX_DELIVERIES',
      workerConcurrency: 'new Umbel("shop")',
      taskIgnoreResult: 'new Umbel("shop")',
      taskTrackStarted: 'CELERY_TASK_TRACK_STARTED',
    })
  })

  it('a wrong value is an error even where a stronger layer hides it', () => {
    assert.throws(
      () => settingsOfApp('shop', { maxDeliveries: 'x' }, { UMBEL_MAX_DELIVERIES: '1' }),
      InvalidSettings,
      'maxDeliveries',
    )
  })
})
