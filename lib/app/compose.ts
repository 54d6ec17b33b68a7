import type { Clock } from '../base/clock.ts'
import type { MessageLimits } from '../message/message-limits.ts'
import { Serializers } from '../message/serializer.ts'
import { Publisher } from '../publish/publisher.ts'
import { Router } from '../publish/router.ts'
import { ResultCodec } from '../result/result-codec.ts'
import type { ResolvedSettings } from './config.ts'
import type { Connections } from './connections.ts'

/** What an app is made of beside its connections; nothing here has been opened. */
export interface AppParts {
  readonly router: Router
  readonly limits: MessageLimits
  /** Of task messages. */
  readonly serializers: Serializers
  /** Of result documents, with an accept list of its own. */
  readonly resultSerializers: Serializers
  readonly publisher: Publisher
  /** Loads what the settings name, once; resolves at once afterwards. */
  loadSerializers(): Promise<void>
  /** Only after `loadSerializers()`. */
  results(): ResultCodec
}

/** Settings → parts: the one place where the sender's half of the library is put together. */
export function compose(
  settings: ResolvedSettings,
  connections: Pick<Connections, 'broker' | 'onClose'>,
  clock: Clock,
): AppParts {
  const { jsonTypedValues: typedValues, maxMessageDepth: maxDepth, maxDecodedSize: maxDecodedBytes } = settings
  const encoding = { typedValues, maxDepth, maxDecodedBytes }
  const serializers = new Serializers({ ...encoding, accept: settings.acceptContent })
  const resultSerializers = new Serializers({
    ...encoding,
    accept: settings.resultAcceptContent ?? settings.acceptContent,
  })
  const limits = limitsOf(settings)
  const router = routerOf(settings)
  const publisher = new Publisher({
    router,
    serializers,
    limits,
    clock,
    retry: settings.taskPublishRetry
      ? settings.taskPublishRetryPolicy
      : { ...settings.taskPublishRetryPolicy, maxRetries: 0 },
    broker: () => connections.broker(),
    onClose: (listener) => connections.onClose(listener),
  })
  let loading: Promise<void> | undefined
  let codec: ResultCodec | undefined
  return {
    router,
    limits,
    serializers,
    resultSerializers,
    publisher,
    loadSerializers() {
      loading ??= load(settings, serializers, resultSerializers)
      return loading
    },
    results() {
      codec ??= new ResultCodec({
        serializer: resultSerializers.loaded(settings.resultSerializer),
        serializers: resultSerializers,
        maxBytes: settings.resultMaxSize,
        // Celery's 0 means the same as null: never.
        expiresMs: settings.resultExpiresMs === 0 ? null : settings.resultExpiresMs,
      })
      return codec
    },
  }
}

async function load(
  settings: ResolvedSettings,
  serializers: Serializers,
  resultSerializers: Serializers,
): Promise<void> {
  await Promise.all([
    serializers.load(settings.taskSerializer),
    serializers.loadAccepted(),
    // A task's result is encoded in the slot that ran it, with the serializer of results.
    serializers.load(settings.resultSerializer),
    resultSerializers.load(settings.resultSerializer),
    resultSerializers.loadAccepted(),
  ])
}

function limitsOf(settings: ResolvedSettings): MessageLimits {
  return {
    maxBytes: settings.taskMaxMessageSize,
    maxDecompressedBytes: settings.maxDecompressedSize,
    maxDepth: settings.maxMessageDepth,
    maxHeaderBytes: settings.maxHeaderSize,
    maxSignatures: settings.maxSignatures,
    maxResultBytes: settings.resultMaxSize,
  }
}

function routerOf(settings: ResolvedSettings): Router {
  return new Router({
    queues: settings.taskQueues,
    routes: settings.taskRoutes,
    createMissing: settings.taskCreateMissingQueues,
    defaultPriority: settings.taskDefaultPriority,
    defaults: {
      queue: settings.taskDefaultQueue,
      exchange: settings.taskDefaultExchange,
      exchangeType: settings.taskDefaultExchangeType,
      routingKey: settings.taskDefaultRoutingKey,
    },
  })
}
