import { assert } from 'chai'
import { settingsOfApp } from '../../../lib/app/app-settings.ts'
import { settingsFromEnv } from '../../../lib/app/config-from-env.ts'
import { settingsTable } from '../../../lib/app/settings-table.ts'
import { InvalidSettings } from '../../../lib/base/errors.ts'

const settingsUnder = (env: Record<string, string>) => settingsOfApp('shop', {}, env).settings

describe('settings from the environment', () => {
  it('reads text as what the setting is', () => {
    const settings = settingsUnder({
      UMBEL_WORKER_CONCURRENCY: '4',
      UMBEL_TASK_ACKS_LATE: 'no',
      UMBEL_TASK_TRACK_STARTED: '1',
      UMBEL_TASK_TIME_LIMIT: '90',
      UMBEL_TASK_SOFT_TIME_LIMIT: '1m',
      UMBEL_RESULT_EXPIRES: 'null',
      UMBEL_ACCEPT_CONTENT: 'json, msgpack',
      UMBEL_IMPORTS: './a.ts,./b.ts',
      UMBEL_TASK_QUEUES: 'mail,media',
      UMBEL_TASK_ROUTES: '{"mail.*": {"queue": "mail"}}',
      UMBEL_TASK_PROTOCOL: '2',
      UMBEL_BROKER_TRANSPORT_OPTIONS: '{"synchronous": "full"}',
      UMBEL_BROKER: 'memory://',
      UMBEL_LOG_LEVEL: 'debug',
    })

    assert.deepInclude(settings, {
      workerConcurrency: 4,
      taskAcksLate: false,
      taskTrackStarted: true,
      taskTimeLimitMs: 90_000,
      taskSoftTimeLimitMs: 60_000,
      resultExpiresMs: null,
      acceptContent: ['json', 'msgpack'],
      imports: ['./a.ts', './b.ts'],
      taskQueues: ['mail', 'media'],
      taskRoutes: { 'mail.*': { queue: 'mail' } },
      taskProtocol: 2,
      brokerTransportOptions: { synchronous: 'full' },
      brokerUrl: 'memory://',
      logLevel: 'debug',
    })
  })

  it('every supported setting but logger can be given so', () => {
    const without = [...settingsTable.values()].filter(
      (row) => row.status === 'supported' && row.kind?.fromText === undefined,
    )

    assert.deepEqual(
      without.map((row) => row.name),
      ['logger'],
    )
  })

  it('a wrong UMBEL_ value is an error that names the variable', () => {
    for (const [env, says] of [
      [
        { UMBEL_WORKER_CONCURRENCY: 'many' },
        "UMBEL_WORKER_CONCURRENCY must be a whole number from 1 to 100000, not 'many'",
      ],
      [
        { UMBEL_WORKER_CONCURENCY: '4' },
        'UMBEL_WORKER_CONCURENCY names no setting. Did you mean UMBEL_WORKER_CONCURRENCY?',
      ],
      [{ UMBEL_BROKER: '' }, 'UMBEL_BROKER is empty'],
      [{ UMBEL_BROKER_URL: 'amqp://u:hush@h' }, 'UMBEL_BROKER_URL: "amqp://u:********@h" is not supported yet'],
      [{ UMBEL_BEAT_SCHEDULE: '{}' }, 'UMBEL_BEAT_SCHEDULE is not supported yet'],
      [{ UMBEL_TASK_ROUTES: '{"a"' }, 'UMBEL_TASK_ROUTES must be a map'],
      [
        { UMBEL_BROKER: 'memory://a', UMBEL_BROKER_URL: 'memory://b' },
        'UMBEL_BROKER and UMBEL_BROKER_URL are one setting',
      ],
      [{ UMBEL_LOGGER: 'x' }, 'UMBEL_LOGGER must be an object'],
    ] as const)
      assert.throws(() => settingsUnder(env), InvalidSettings, says)
  })

  it('UMBEL_TEST_* is for tests and says nothing', () => {
    assert.deepEqual(settingsFromEnv({ UMBEL_TEST_REDIS_URL: 'x' }).problems, [])
  })

  it('CELERY_* that can be served is, also under its old name', () => {
    const { celery, warnings } = settingsFromEnv({
      CELERY_BROKER_URL: 'memory://',
      CELERY_TASK_SERIALIZER: 'msgpack',
      CELERY_ACKS_LATE: 'false',
    })

    assert.deepEqual(celery, { brokerUrl: 'memory://', taskSerializer: 'msgpack', taskAcksLate: false })
    assert.deepEqual(warnings, [])
  })

  it('CELERY_* that cannot be served is a warning with its name, not an error', () => {
    const env = {
      CELERY_BROKER_URL: 'amqp://u:hush@h',
      CELERY_TASK_SERIALIZER: 'pickle',
      CELERY_BEAT_SCHEDULER: 'x',
      CELERY_LOADER: 'y',
      CELERY_RESULT_BACKEND: '',
    }

    const { settings, warnings } = settingsOfApp('shop', {}, env)

    assert.deepEqual(
      warnings.map((warning) => warning.split(/[ :]/)[0]),
      Object.keys(env),
    )
    assert.notInclude(warnings.join(), 'hush')
    assert.isTrue(settings.brokerIsDefault)
  })

  it('an environment without a word about us changes nothing', () => {
    assert.deepEqual(
      settingsOfApp('shop', {}, { PATH: '/bin', CELERYD_NODES: 'x', HOME: '/' }).settings,
      settingsUnder({}),
    )
  })
})
