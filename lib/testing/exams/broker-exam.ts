import { brokerClaimItems } from './broker-claim-items.ts'
import { brokerMessageItems } from './broker-message-items.ts'
import { brokerOrderItems } from './broker-order-items.ts'
import { brokerQueueItems } from './broker-queue-items.ts'
import { brokerSettleItems } from './broker-settle-items.ts'
import type { BrokerUnderExam } from './broker-under-exam.ts'
import type { ExamItem } from './exam.ts'

/** What every {@link Broker} does. An implementation that can't do one of these says so by name, with its reason. */
export const brokerExam: readonly ExamItem<BrokerUnderExam>[] = [
  ...brokerOrderItems,
  ...brokerClaimItems,
  ...brokerSettleItems,
  ...brokerQueueItems,
  ...brokerMessageItems,
]
