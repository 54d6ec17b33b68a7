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
} from '../broker/broker.ts'
export type { Fetched, ResultBackend, ResultBackendCapabilities } from '../result/result-backend.ts'
export type { StoredRecord } from '../result/result-record.ts'
export type { StateStore } from '../state/state-store.ts'
export { brokerExam } from './exams/broker-exam.ts'
export type { BrokerUnderExam } from './exams/broker-under-exam.ts'
export { resultBackendExam } from './exams/result-backend-exam.ts'
export { stateStoreExam } from './exams/state-store-exam.ts'
export { FakeClock } from './fake-clock.ts'
