import type { Duration, WrittenDuration } from '../base/duration.ts'
import type { Logger, LogLevel } from '../base/logger.ts'
import type { QueueSpec } from '../publish/queue-spec.ts'
import type { TaskRoutes } from '../publish/route-rules.ts'
import type { TaskOptions } from '../task/task-options.ts'
import type { TaskImport } from './load-task-modules.ts'

/**
 * What an app can be told: Celery's lower-case settings in camelCase, and some of our own. Where Celery has the setting, a bare number is
 * seconds. A setting that is undefined counts as not given, but for `broker`: a variable that turned out unset must not send work
 * to a local file. Every setting with its default and meaning is in the reference page, which is made from these comments.
 */
export interface Settings {
  // General
  /** Serializers whose messages are decoded, by name or content type; anything else is refused before it is read. @default ["json","msgpack"] */
  acceptContent?: readonly string[] | undefined
  /** The same for results; null means `acceptContent`. @default null */
  resultAcceptContent?: readonly string[] | null | undefined
  /** Times in messages are UTC. Only true: every version of Celery in use reads that. @default true */
  enableUtc?: true | undefined
  /** Modules that define tasks, loaded by workers before they start: functions that import them, or paths relative to the app's module. @default [] */
  imports?: readonly TaskImport[] | undefined
  /** More of them, loaded after `imports`. @default [] */
  include?: readonly TaskImport[] | undefined
  /** Where the library logs to: anything of pino's shape. Without one, the terminal: readable there, JSON lines elsewhere. @default null */
  logger?: Logger | null | undefined
  /** The least important level that is logged, when no `logger` is given. @default "info" */
  logLevel?: LogLevel | undefined

  // Tasks
  /** Task options by task name, or by `*` for all; they win over what the task itself says. @default {} */
  taskAnnotations?: Readonly<Record<string, TaskOptions>> | undefined
  /** Compression of messages; null sends them as they are. @default null */
  taskCompression?: string | null | undefined
  /** Message protocol that is written. Protocol 1 is read, never written. @default 2 */
  taskProtocol?: 2 | undefined
  /** Serializer of task messages. @default "json" */
  taskSerializer?: 'json' | 'msgpack' | undefined
  /** Try again when the broker could not take a message. @default true */
  taskPublishRetry?: boolean | undefined
  /** How often and how long between: the first wait, what each further one adds, and the longest. `maxRetries: null` never gives up. @default {"maxRetries":3,"intervalStart":0,"intervalStep":0.2,"intervalMax":1} */
  taskPublishRetryPolicy?: PublishRetryPolicy | undefined
  /** How long the broker may take over one publication before the call fails with `OutcomeUnknown`. @default "10s" */
  taskPublishTimeout?: WrittenDuration | undefined
  /** Largest encoded body of a task message, in bytes; more fails at the caller, and a worker sets it aside. @default 16777216 */
  taskMaxMessageSize?: number | undefined
  /** Calls run in the caller's process at once instead of being sent. For tests. @default false */
  taskAlwaysEager?: boolean | undefined
  /** With `taskAlwaysEager`: a task's error is thrown by the call. @default false */
  taskEagerPropagates?: boolean | undefined
  /** With `taskAlwaysEager`: results are stored as well. @default false */
  taskStoreEagerResult?: boolean | undefined
  /** Store no results, unless a task or a call says otherwise. @default false */
  taskIgnoreResult?: boolean | undefined
  /** Store failures even where results are ignored. @default false */
  taskStoreErrorsEvenIfIgnored?: boolean | undefined
  /** Store the state STARTED when a worker begins a task. @default false */
  taskTrackStarted?: boolean | undefined
  /** Hard time limit of tasks that have none of their own. @default null */
  taskTimeLimit?: Duration | null | undefined
  /** Soft time limit of tasks that have none of their own: `task.signal` is aborted then. @default null */
  taskSoftTimeLimit?: Duration | null | undefined
  /** Acknowledge after the result is stored; false acknowledges before the run, which is at most once. @default true */
  taskAcksLate?: boolean | undefined
  /** With late acknowledgement: acknowledge tasks that failed; null means `taskAcksOnFailureOrTimeout`. @default null */
  taskAcksOnFailure?: boolean | null | undefined
  /** With late acknowledgement: acknowledge tasks that ran into their hard limit; null means `taskAcksOnFailureOrTimeout`. @default null */
  taskAcksOnTimeout?: boolean | null | undefined
  /** The two above in one. @default true */
  taskAcksOnFailureOrTimeout?: boolean | undefined
  /** With late acknowledgement: a task whose worker died is run again, at most `maxDeliveries` such times; false records a failure. @default true */
  taskRejectOnWorkerLost?: boolean | undefined
  /** Tasks sent from within a task take its priority, unless they have their own. @default false */
  taskInheritParentPriority?: boolean | undefined
  /** Priority of messages for which nothing else says one, 0 to 255, with the broker's own meaning; null sends none. @default null */
  taskDefaultPriority?: number | null | undefined

  // Queues and routing
  /** Declared queues, names or objects; null means the default queue alone. @default null */
  taskQueues?: readonly (string | QueueSpec)[] | null | undefined
  /** Which task goes where: a map of names, globs and RegExps, a function, or a list of these. Call and task options win over it. @default null */
  taskRoutes?: TaskRoutes | null | undefined
  /** Queues that are not in `taskQueues` may be used; false refuses them. @default true */
  taskCreateMissingQueues?: boolean | undefined
  /** Queue of everything that nothing else routes. @default "celery" */
  taskDefaultQueue?: string | undefined
  /** Exchange of queues that name none; null means the default queue's name. @default null */
  taskDefaultExchange?: string | null | undefined
  /** Type of that exchange. @default "direct" */
  taskDefaultExchangeType?: 'direct' | 'topic' | 'fanout' | undefined
  /** Routing key of the default queue; null means its name. @default null */
  taskDefaultRoutingKey?: string | null | undefined
  /** 2 survives a restart of the broker, 1 need not; the embedded store keeps both. @default 2 */
  taskDefaultDeliveryMode?: 1 | 2 | undefined

  // Broker
  /** Where messages are carried: `sqlite:///path/file.db`, `sqlite:./file.db`, `redis://host:6379/0`, `rediss://…` (encrypted), `redis+socket:///path?db=0`, `sentinel://host;sentinel://host/0`, `memory://`, `memory://name`. Not given, it is the file `.umbel/umbel.db` beside the nearest package.json. @default null */
  brokerUrl?: string | undefined
  /** The same setting as `brokerUrl`, in short. */
  broker?: string | undefined
  /** Options of the transport. SQLite: `synchronous`, `'normal'` survives the end of every process, `'full'` also a loss of power. Redis: `visibilityTimeout` is how long a Python worker may hold a message (1 h), `replicas` how many replicas must have a call before it resolves (0); `globalKeyprefix` stands in front of every key; `sep`, `prioritySteps`, `unackedKey`, `unackedIndexKey`, `fanoutPrefix` and `fanoutPatterns` are as Celery's own, and the same for all that share a Redis; `masterName`, `minOtherSentinels` and `sentinelKwargs` (user name and password of the sentinels) are for sentinels. @default {"synchronous":"normal"} */
  brokerTransportOptions?: BrokerTransportOptions | undefined
  /** Files for an encrypted connection to the broker, and whether its certificate must be trusted (`'required'`, the default) or not (`'none'`). @default null */
  brokerUseSsl?: UseSsl | null | undefined
  /** How long a worker's claim on a message lasts without renewal (every 3 s). Longer is slower recovery from a hung worker, shorter risks a second run. @default "10s" */
  leaseDuration?: WrittenDuration | undefined
  /** How often a message is run again because its worker was lost; the loss after that sets it aside as a dead letter. @default 10 */
  maxDeliveries?: number | undefined
  /** How long a message whose task no worker knows is given back before it is set aside as a dead letter. @default "1h" */
  unknownTaskLimit?: WrittenDuration | undefined

  // Messages
  /** How values that JSON lacks are written: `'kombu'` as Celery 5.3 and later, `'plain'` as 5.2 reads. @default "kombu" */
  jsonTypedValues?: 'kombu' | 'plain' | undefined
  /** Largest body after decompression, in bytes; more is refused unread. @default 67108864 */
  maxDecompressedSize?: number | undefined
  /** Deepest nesting of arguments, headers and results. @default 256 */
  maxMessageDepth?: number | undefined
  /** Most memory that a body may take once decoded, in bytes, as estimated before; more is refused undecoded. @default 268435456 */
  maxDecodedSize?: number | undefined
  /** Largest headers of a message, in bytes. @default 65536 */
  maxHeaderSize?: number | undefined
  /** Most signatures in one chain or one list of callbacks, and ten times as many in one message. @default 10000 */
  maxSignatures?: number | undefined

  // Results
  /** Where results are kept: a URL as for `brokerUrl`, `redis://host:6379/0`, `rediss://…` (encrypted), `redis+socket:///path?db=0`, `sentinel://host;sentinel://host/0`, or `disabled://`. Not given, it is the broker's own store. @default null */
  resultBackend?: string | undefined
  /** The same setting as `resultBackend`, in short. */
  backend?: string | undefined
  /** Serializer of results. @default "json" */
  resultSerializer?: 'json' | 'msgpack' | undefined
  /** Store name, arguments, worker, retries and queue with a result. @default false */
  resultExtended?: boolean | undefined
  /** Largest encoded result, in bytes; a task that returns more fails, and `get()` refuses a larger one undecoded. @default 16777216 */
  resultMaxSize?: number | undefined
  /** How long results are kept; null or 0 keeps them for ever. @default 86400 */
  resultExpires?: Duration | null | undefined
  /** Options of the result backend. Redis: `globalKeyprefix` stands in front of every key, followed by `_` unless it ends in one of `:_-.`; the rest as in `brokerTransportOptions`. @default {} */
  resultBackendTransportOptions?: ResultBackendTransportOptions | undefined
  /** The longest that storing or reading a result in Redis may take; then it is tried again or refused. @default "10s" */
  redisSocketTimeout?: Duration | undefined
  /** As `brokerUseSsl`, for results in Redis; null is as for the broker where both are one server. @default null */
  redisBackendUseSsl?: UseSsl | null | undefined
  /** How long `get()` waits unless told otherwise; null waits for ever. @default "5m" */
  resultGetTimeout?: WrittenDuration | null | undefined

  // Worker
  /** How many tasks a worker runs at a time. @default 100 */
  workerConcurrency?: number | undefined
  /** Most deliveries a worker holds per task it can run at a time. It holds fewer, down to 1, while tasks take longer than 100 ms. @default 4 */
  workerPrefetchMultiplier?: number | undefined
  /** Most bytes of messages that a worker holds, whatever the count allows; a larger one is held alone. @default 67108864 */
  workerPrefetchSize?: number | undefined
  /** Bytes of memory in use above which a worker takes one message at a time: null for 80 % of what the process may have, 0 for no limit. @default null */
  workerMemoryWatermark?: number | null | undefined
  /** Where tasks run: in the worker's own event loop. @default "async" */
  workerPool?: 'async' | undefined
  /** How long a task may block the event loop before the worker ends itself, so that others take over its messages. @default "10m" */
  workerMaxBlockedLoop?: WrittenDuration | undefined
  /** A cold stop first lets what runs go on for this long, as a warm one; 0 does not. @default 0 */
  workerSoftShutdownTimeout?: Duration | undefined
}

/** {@link Settings.taskPublishRetryPolicy}. Durations; a bare number is seconds. */
export interface PublishRetryPolicy {
  readonly maxRetries?: number | null | undefined
  readonly intervalStart?: Duration | undefined
  readonly intervalStep?: Duration | undefined
  readonly intervalMax?: Duration | undefined
}

/** {@link Settings.brokerTransportOptions}. */
export interface BrokerTransportOptions {
  readonly synchronous?: 'normal' | 'full' | undefined
  readonly visibilityTimeout?: Duration | undefined
  readonly replicas?: number | undefined
  readonly sep?: string | undefined
  readonly prioritySteps?: readonly number[] | undefined
  readonly unackedKey?: string | undefined
  readonly unackedIndexKey?: string | undefined
  readonly fanoutPrefix?: string | boolean | undefined
  readonly fanoutPatterns?: boolean | undefined
  readonly globalKeyprefix?: string | undefined
  readonly masterName?: string | undefined
  readonly minOtherSentinels?: number | undefined
  readonly sentinelKwargs?: SentinelLogin | undefined
}

/** {@link Settings.resultBackendTransportOptions}. */
export interface ResultBackendTransportOptions {
  readonly globalKeyprefix?: string | undefined
  readonly masterName?: string | undefined
  readonly minOtherSentinels?: number | undefined
  readonly sentinelKwargs?: SentinelLogin | undefined
}

/** How to log in to sentinels. */
export interface SentinelLogin {
  readonly username?: string | undefined
  readonly password?: string | undefined
}

/** {@link Settings.brokerUseSsl}. Paths of files in PEM format. */
export interface UseSsl {
  readonly sslCertReqs?: 'required' | 'none' | undefined
  readonly sslCaCerts?: string | undefined
  readonly sslCertfile?: string | undefined
  readonly sslKeyfile?: string | undefined
}

type DurationSetting =
  | 'taskPublishTimeout'
  | 'taskTimeLimit'
  | 'taskSoftTimeLimit'
  | 'leaseDuration'
  | 'unknownTaskLimit'
  | 'resultExpires'
  | 'redisSocketTimeout'
  | 'resultGetTimeout'
  | 'workerMaxBlockedLoop'
  | 'workerSoftShutdownTimeout'
type Reshaped =
  | 'taskPublishRetryPolicy'
  | 'brokerTransportOptions'
  | 'brokerUrl'
  | 'resultBackend'
  | 'broker'
  | 'backend'
type Given<T> = Exclude<T, undefined>

/**
 * The settings of a running app: {@link Settings} with every default filled in and every layer merged. Durations are ms under
 * `<name>Ms`; what is unset is null, never undefined. Frozen.
 */
export type ResolvedSettings = {
  readonly [Name in Exclude<keyof Settings, DurationSetting | Reshaped>]-?: Given<Settings[Name]>
} & {
  readonly [Name in DurationSetting as `${Name}Ms`]-?: Extract<Settings[Name], null> extends never
    ? number
    : number | null
} & {
  readonly taskPublishRetryPolicy: ResolvedRetryPolicy
  readonly brokerTransportOptions: BrokerTransportOptions & { readonly synchronous: 'normal' | 'full' }
  /** Never empty: the default store is filled in as an absolute `sqlite:` URL. */
  readonly brokerUrl: string
  /** Nobody named a broker, so that it is the default store. */
  readonly brokerIsDefault: boolean
  /** The broker's URL where nobody named one. */
  readonly resultBackend: string
}

/** {@link PublishRetryPolicy} in ms, every default filled in. */
export interface ResolvedRetryPolicy {
  readonly maxRetries: number | null
  readonly startMs: number
  readonly stepMs: number
  readonly maxMs: number
}
