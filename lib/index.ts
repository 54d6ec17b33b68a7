/// <reference types="node" preserve="true" />
export { type EventOptions, Umbel } from './app/app.ts'
export type {
  BrokerTransportOptions,
  PublishRetryPolicy,
  ResolvedSettings,
  ResultBackendTransportOptions,
  SentinelLogin,
  Settings,
  UseSsl,
} from './app/config.ts'
export { remoteTask, sharedTask } from './app/default-app.ts'
export type { TaskImport } from './app/load-task-modules.ts'
export type { QueueHandle } from './app/queue-handle.ts'
export type { Duration, WrittenDuration } from './base/duration.ts'
export {
  BrokerUnavailable,
  Closed,
  ContentRefused,
  DecodeError,
  type ErrorCode,
  InvalidCall,
  InvalidSettings,
  InvalidTask,
  LeaseLost,
  LoadFailed,
  MaxRetriesExceededError,
  MessageTooLarge,
  NoApp,
  NoDriver,
  NotRegistered,
  NotSupported,
  OutcomeUnknown,
  ResultExpired,
  ResultsDisabled,
  SchemaRefused,
  SoftTimeLimitExceeded,
  StoreFull,
  StoreUnusable,
  TaskRevoked,
  TimeLimitExceeded,
  TimeoutError,
  UmbelError,
  Unroutable,
  Unserializable,
  WorkerLostError,
  WorkerShutdown,
} from './base/errors.ts'
export type { Logger, LogLevel } from './base/logger.ts'
export type { QueueCounts } from './broker/broker.ts'
export type { AnySignature, Args, CallOptions, IsoTime, Signature } from './canvas/signature.ts'
export type { AppEventName, AppEvents, AppListener, TaskEvent } from './hook/hooks.ts'
export type { Middleware } from './hook/middleware-chain.ts'
export type { ErrorRecord } from './message/encoded.ts'
export { type ErrorClass, TaskError, TaskFailed } from './message/error-record.ts'
export { TypedValue, WireDate } from './message/typed-value.ts'
export type { QueueSpec } from './publish/queue-spec.ts'
export type { TaskRoutes } from './publish/route-rules.ts'
export type { AsyncResult, GetOptions, ResultNode, TaskOutcome, Update } from './result/async-result.ts'
export type { RevokeOptions } from './result/result-access.ts'
export type { TaskState } from './result/result-record.ts'
export type { NotSent, Sent } from './task/sent.ts'
export { type SharedTask, type TaskDecorator, tasksOf } from './task/shared-task.ts'
export type { AnyTask, Task, TaskHandle, TaskOf } from './task/task.ts'
export { currentTask, type TaskContext } from './task/task-context.ts'
export type { TaskEnding, TaskOptions } from './task/task-options.ts'
export { Ignore, Reject, Retry, type RetryOptions } from './task/task-signals.ts'
