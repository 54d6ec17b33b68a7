/// <reference types="node" preserve="true" />
export type {
  Broker,
  BrokerAdmin,
  BrokerCapabilities,
  Claim,
  ConsumeOptions,
  Consumer,
  DeadLetter,
  Delivery,
  Outgoing,
  Settlement,
  SettleReply,
} from '../../lib/broker/broker.ts'
export type { Fetched, ResultBackend, ResultBackendCapabilities } from '../../lib/result/result-backend.ts'
export type { StoredRecord } from '../../lib/result/result-record.ts'
export type { StateStore } from '../../lib/state/state-store.ts'
export { brokerExam } from '../../lib/testing/exams/broker-exam.ts'
export type { BrokerUnderExam } from '../../lib/testing/exams/broker-under-exam.ts'
export type { ExamItem } from '../../lib/testing/exams/exam.ts'
export { type ResultBackendUnderExam, resultBackendExam } from '../../lib/testing/exams/result-backend-exam.ts'
export { stateStoreExam } from '../../lib/testing/exams/state-store-exam.ts'
export { FakeClock } from '../../lib/testing/fake-clock.ts'
export type { EnqueuedCall } from './call-log.ts'
export { assertEnqueued, assertNothingEnqueued, drain, runTask } from './current-testing.ts'
export type { CallMatch } from './expected-call.ts'
export type { NextTry, OneRun, RunEnding, StoredState } from './one-run.ts'
export type { RunTaskOptions } from './run-once.ts'
export { startTesting, type TestingOptions } from './start-testing.ts'
export type { StepOptions, TestClock } from './test-clock.ts'
export type { TaskRun } from './test-workers.ts'
export type { TaskArgs, TaskValue, Testing } from './testing.ts'
