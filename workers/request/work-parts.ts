import type { Clock } from '../../lib/base/clock.ts'
import type { Logger } from '../../lib/base/logger.ts'
import type { EventEmitter } from '../../lib/hook/event-emitter.ts'
import type { ReadPolicy } from '../../lib/message/read-message.ts'
import type { RecordMaker } from '../../lib/run/settlement.ts'
import type { TaskDefinition } from '../../lib/task/task-definition.ts'
import type { TaskDefaults } from '../../lib/task/task-options.ts'
import type { Pool } from '../pool/pool.ts'
import type { AdmitLimits } from './admit.ts'
import type { Settler } from './settle.ts'

/** What the pipeline of one worker is made of. */
export interface WorkParts {
  readonly tasks: { find(name: string): TaskDefinition | undefined }
  readonly defaults: TaskDefaults
  readonly policy: ReadPolicy
  readonly limits: AdmitLimits
  readonly hostname: string
  readonly clock: Clock
  readonly logger: Logger
  readonly events: EventEmitter
  readonly isRevoked: (id: string) => boolean
  readonly pool: Pool
  readonly settler: Settler
  readonly records: RecordMaker
  /** False with `disabled://`: then none are made. */
  readonly keepsResults: boolean
  /** `resultExtended` */
  readonly extendsResults: boolean
  /** Told of each run: how long it took, ms. */
  readonly onRan: (runtimeMs: number) => void
}
