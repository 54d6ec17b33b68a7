import { logLevels } from '../base/logger.ts'
import { compressionNames } from '../message/compression.ts'
import { queueNameProblem } from '../publish/queue-name.ts'
import { exchangeTypes, queueSpecProblems } from '../publish/queue-spec.ts'
import { routeProblems } from '../publish/route-rules.ts'
import { taskOptionProblems } from '../task/task-option-problems.ts'
import { type AdapterUse, isUrlProblem, readAdapterUrl } from './adapter-url.ts'
import type { Settings } from './config.ts'
import {
  choice,
  duration,
  flag,
  isPlainObject,
  jsonFromText,
  kind,
  listOf,
  orNull,
  record,
  type SettingKind,
  shownValue,
  text,
  timeLimit,
  whole,
  writtenDuration,
} from './setting-kinds.ts'
import { unsupportedSettings } from './unsupported-settings.ts'

/** One setting: what the validation and the reference page are made from. */
export interface SettingRow {
  readonly name: string
  /** Celery's name; undefined for settings of our own. */
  readonly celery: string | undefined
  /**
   * - `supported`: it does what it says.
   * - `later`: refused, since a later version implements it.
   * - `none`: refused, since it has no meaning here.
   */
  readonly status: 'supported' | 'later' | 'none'
  /** Heading on the reference page. */
  readonly group: string
  /** With `supported`. */
  readonly kind?: SettingKind | undefined
  /** With `supported`: as a user would write it. */
  readonly default?: unknown
  /** With `later` and `none`: the reason, as a sentence that follows the setting's name. */
  readonly reason?: string | undefined
}

type SupportedName = Exclude<keyof Settings, 'broker' | 'backend'>
/** Kind and default. */
type Supported = readonly [SettingKind, unknown]

const noPickle = 'it lets a message run code of its sender, so it is never decoded here. Use json or msgpack'
const noYaml = 'Umbel has no YAML. Use json or msgpack'
const laterSigning = 'signed messages are not supported yet'
const refusedSerializers = {
  pickle: noPickle,
  'application/x-python-serialize': noPickle,
  yaml: noYaml,
  auth: laterSigning,
}
const serializer = choice(['json', 'msgpack'], refusedSerializers)
const content = listOf(
  choice(['json', 'msgpack', 'application/json', 'application/x-msgpack'], refusedSerializers),
  "a list of serializers: 'json', 'msgpack', or their content types",
)
const queueName = kind(
  'a name of 1 to 255 bytes without control characters',
  (value) => queueNameProblem(value) === undefined,
  {
    fromText: (given) => given,
  },
)
const laterPool = 'only async is supported yet. CPU-bound work needs processes of its own until then'
const pool = choice(['async'], { threads: laterPool, processes: laterPool, prefork: laterPool, solo: laterPool })
const imports = listOf(
  kind(
    "a function such as () => import('./tasks.ts'), or the path of a module",
    (value) => typeof value === 'function' || (typeof value === 'string' && value !== ''),
    { fromText: (given) => given },
  ),
  "a list of functions such as () => import('./tasks.ts'), or of module paths",
)
const brokerUrl = adapterUrl('broker', 'the URL of a broker, such as sqlite:///path/file.db')
const backendUrl = adapterUrl(
  'result backend',
  'the URL of a result backend, such as sqlite:///path/file.db or disabled://',
)
const logger = kind(
  'an object with the methods trace, debug, info, warn, error, fatal and child, as pino has',
  (value) =>
    typeof value === 'object' &&
    value !== null &&
    [...logLevels, 'child'].every((method) => typeof (value as Record<string, unknown>)[method] === 'function'),
)
const annotations: SettingKind = {
  says: "an object of task options by task name or '*'",
  check: (value, name) =>
    isPlainObject(value)
      ? annotationProblems(value)
      : [`must be an object of task options by task name or '*', not ${shownValue(value, name)}`],
  resolve: (value) => Object.freeze({ ...(value as object) }),
  fromText: jsonFromText,
}
const queues: SettingKind = {
  says: 'a list of queue names, or of objects with name, exchange, exchangeType, routingKey, bindings',
  check: queueSpecProblems,
  resolve: (value) => Object.freeze([...(value as unknown[])]),
  fromText: (given) =>
    given.trimStart().startsWith('[') ? jsonFromText(given) : given.split(',').map((item) => item.trim()),
}
const routes: SettingKind = {
  says: 'a map of names, globs or RegExps to queues, a function, or a list of these',
  check: routeProblems,
  resolve: (value) => value,
  fromText: jsonFromText,
}
const sentinelOptions = {
  masterName: text,
  minOtherSentinels: whole(0, 100),
  sentinelKwargs: record({ username: text, password: text }),
}
const prioritySteps = kind(
  'a list of whole numbers that begins with 0 and rises to 9 at most',
  (value) =>
    Array.isArray(value) &&
    value[0] === 0 &&
    value.every((step, index) => Number.isInteger(step) && step <= 9 && (index === 0 || step > value[index - 1])),
)
const fanoutPrefix = kind(
  "true, false, or a text that begins with '/' and has one '.'",
  (value) => typeof value === 'boolean' || (typeof value === 'string' && /^\/[^.]*\.[^.]*$/.test(value)),
)
const useSsl = orNull(
  record({
    sslCertReqs: choice(['required', 'none']),
    sslCaCerts: text,
    sslCertfile: text,
    sslKeyfile: text,
  }),
)
const retryPolicy = record({
  maxRetries: orNull(whole(0, 1_000_000)),
  intervalStart: duration(),
  intervalStep: duration(),
  intervalMax: duration(),
})
// What says is fixed, since which codecs there are depends on the Node that runs; a wrong name is answered with those that are.
const compression = {
  ...choice(compressionNames()),
  says: "a compression: 'zlib', 'gzip', 'brotli', and what else the running Node has",
}
const bytes = whole(1024, 2 ** 31 - 1, 'bytes')

const general = {
  acceptContent: [content, ['json', 'msgpack']],
  resultAcceptContent: [orNull(content), null],
  enableUtc: [
    kind('true: messages in local time are not written', (value) => value === true, { fromText: flag.fromText }),
    true,
  ],
  imports: [imports, []],
  include: [imports, []],
  logger: [orNull(logger), null],
  logLevel: [choice(logLevels, { warning: 'the level is called warn', critical: 'the level is called fatal' }), 'info'],
} satisfies Partial<Record<SupportedName, Supported>>

const tasks = {
  taskAnnotations: [annotations, {}],
  taskCompression: [orNull(compression), null],
  taskProtocol: [choice([2], { 1: 'protocol 1 is read but not written; every Celery since 4.0 reads protocol 2' }), 2],
  taskSerializer: [serializer, 'json'],
  taskPublishRetry: [flag, true],
  taskPublishRetryPolicy: [retryPolicy, { maxRetries: 3, intervalStart: 0, intervalStep: 0.2, intervalMax: 1 }],
  taskPublishTimeout: [writtenDuration({ minMs: 1 }), '10s'],
  taskMaxMessageSize: [bytes, 16 * 1024 * 1024],
  taskAlwaysEager: [flag, false],
  taskEagerPropagates: [flag, false],
  taskStoreEagerResult: [flag, false],
  taskIgnoreResult: [flag, false],
  taskStoreErrorsEvenIfIgnored: [flag, false],
  taskTrackStarted: [flag, false],
  taskTimeLimit: [orNull(timeLimit()), null],
  taskSoftTimeLimit: [orNull(timeLimit()), null],
  taskAcksLate: [flag, true],
  taskAcksOnFailure: [orNull(flag), null],
  taskAcksOnTimeout: [orNull(flag), null],
  taskAcksOnFailureOrTimeout: [flag, true],
  taskRejectOnWorkerLost: [flag, true],
  taskInheritParentPriority: [flag, false],
  taskDefaultPriority: [orNull(whole(0, 255)), null],
} satisfies Partial<Record<SupportedName, Supported>>

const routing = {
  taskQueues: [orNull(queues), null],
  taskRoutes: [orNull(routes), null],
  taskCreateMissingQueues: [flag, true],
  taskDefaultQueue: [queueName, 'celery'],
  taskDefaultExchange: [orNull(queueName), null],
  taskDefaultExchangeType: [choice(exchangeTypes, { headers: 'headers exchanges are not supported yet' }), 'direct'],
  taskDefaultRoutingKey: [orNull(queueName), null],
  taskDefaultDeliveryMode: [choice([1, 2]), 2],
} satisfies Partial<Record<SupportedName, Supported>>

const broker = {
  brokerUrl: [brokerUrl, null],
  brokerTransportOptions: [
    record({
      synchronous: choice(['normal', 'full']),
      visibilityTimeout: duration({ minMs: 1000, maxMs: 365 * 86_400_000 }),
      replicas: whole(0, 100),
      globalKeyprefix: text,
      sep: text,
      prioritySteps,
      unackedKey: text,
      unackedIndexKey: text,
      fanoutPrefix,
      fanoutPatterns: flag,
      ...sentinelOptions,
    }),
    { synchronous: 'normal' },
  ],
  brokerUseSsl: [useSsl, null],
  leaseDuration: [writtenDuration({ minMs: 1000, maxMs: 3_600_000 }), '10s'],
  maxDeliveries: [whole(1, 1_000_000), 10],
  unknownTaskLimit: [writtenDuration(), '1h'],
} satisfies Partial<Record<SupportedName, Supported>>

const messages = {
  jsonTypedValues: [choice(['kombu', 'plain']), 'kombu'],
  maxDecompressedSize: [bytes, 64 * 1024 * 1024],
  maxMessageDepth: [whole(1, 10_000), 256],
  maxDecodedSize: [whole(1024, 2 ** 40, 'bytes'), 256 * 1024 * 1024],
  maxHeaderSize: [bytes, 64 * 1024],
  maxSignatures: [whole(1, 1_000_000), 10_000],
} satisfies Partial<Record<SupportedName, Supported>>

const results = {
  resultBackend: [backendUrl, null],
  resultSerializer: [serializer, 'json'],
  resultExtended: [flag, false],
  resultMaxSize: [bytes, 16 * 1024 * 1024],
  resultExpires: [orNull(duration()), 86_400],
  resultBackendTransportOptions: [record({ globalKeyprefix: text, ...sentinelOptions }), {}],
  redisSocketTimeout: [duration({ minMs: 100, maxMs: 600_000 }), '10s'],
  redisBackendUseSsl: [useSsl, null],
  resultGetTimeout: [orNull(writtenDuration()), '5m'],
} satisfies Partial<Record<SupportedName, Supported>>

const worker = {
  workerConcurrency: [whole(1, 100_000), 100],
  workerPrefetchMultiplier: [whole(1, 1000), 4],
  workerPrefetchSize: [whole(1024, 2 ** 40, 'bytes'), 64 * 1024 * 1024],
  workerMemoryWatermark: [orNull(whole(0, 2 ** 50, 'bytes')), null],
  workerPool: [pool, 'async'],
  workerMaxBlockedLoop: [writtenDuration({ minMs: 1000 }), '10m'],
  workerSoftShutdownTimeout: [duration(), 0],
} satisfies Partial<Record<SupportedName, Supported>>

const groups = { ...general, ...tasks, ...routing, ...broker, ...messages, ...results, ...worker } satisfies Record<
  SupportedName,
  Supported
>
const groupNames: readonly (readonly [string, object])[] = [
  ['General', general],
  ['Tasks', tasks],
  ['Queues and routing', routing],
  ['Broker', broker],
  ['Messages', messages],
  ['Results', results],
  ['Worker', worker],
]
const ours = new Set<string>([
  'logger',
  'logLevel',
  'taskPublishTimeout',
  'taskMaxMessageSize',
  'leaseDuration',
  'maxDeliveries',
  'unknownTaskLimit',
  ...Object.keys(messages),
  'resultMaxSize',
  'resultGetTimeout',
  'workerPrefetchSize',
  'workerMemoryWatermark',
  'workerMaxBlockedLoop',
])

/** Every setting of Celery and of ours, supported or not, by its camelCase name. */
export const settingsTable: ReadonlyMap<string, SettingRow> = new Map([
  ...Object.entries(groups).map(([name, [settingKind, byDefault]]): [string, SettingRow] => [
    name,
    {
      name,
      celery: ours.has(name) ? undefined : celeryName(name),
      status: 'supported',
      group: groupNames.find(([, rows]) => Object.hasOwn(rows, name))![0],
      kind: settingKind,
      default: byDefault,
    },
  ]),
  ...unsupportedSettings.map(({ celery, status, reason }): [string, SettingRow] => {
    const name = camelName(celery)
    return [
      name,
      { name, celery, status, reason, group: status === 'later' ? 'Not supported yet' : 'Without a meaning here' },
    ]
  }),
])

function adapterUrl(use: AdapterUse, says: string): SettingKind {
  return {
    says,
    check(value, name) {
      if (typeof value !== 'string' || value.trim() === '') return [`must be ${says}, not ${shownValue(value, name)}`]
      const read = readAdapterUrl(value, use)
      return isUrlProblem(read) ? [`: ${read.text}`] : []
    },
    resolve: (value) => value,
    fromText: (given) => given,
  }
}

function annotationProblems(annotations: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(annotations).flatMap(([task, options]) => {
    if (options === undefined) return []
    const at = `[${JSON.stringify(task.slice(0, 80))}]`
    if (!isPlainObject(options)) return [`${at} must be an object of task options, not ${shownValue(options)}`]
    return taskOptionProblems(options).map((problem) => `${at}: ${problem}`)
  })
}

/** The short names of two settings. */
export const settingAliases: Readonly<Record<string, string>> = { broker: 'brokerUrl', backend: 'resultBackend' }

/** `task_serializer` → `taskSerializer`. */
export function camelName(name: string): string {
  return name.toLowerCase().replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
}

/** `taskSerializer` → `task_serializer`. */
export function celeryName(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}
