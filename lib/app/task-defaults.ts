import type { TaskDefaults } from '../task/task-options.ts'
import type { ResolvedSettings } from './config.ts'

/** The settings that tasks and calls fall back on, under the names that the task layer uses. */
export function taskDefaultsOf(settings: ResolvedSettings): TaskDefaults {
  const { taskAcksOnFailureOrTimeout: acksOnBoth } = settings
  return {
    serializer: settings.taskSerializer,
    compression: settings.taskCompression ?? undefined,
    deliveryMode: settings.taskDefaultDeliveryMode,
    ignoreResult: settings.taskIgnoreResult,
    storeErrorsEvenIfIgnored: settings.taskStoreErrorsEvenIfIgnored,
    trackStarted: settings.taskTrackStarted,
    acksLate: settings.taskAcksLate,
    acksOnFailure: settings.taskAcksOnFailure ?? acksOnBoth,
    acksOnTimeout: settings.taskAcksOnTimeout ?? acksOnBoth,
    rejectOnWorkerLost: settings.taskRejectOnWorkerLost,
    timeLimitMs: settings.taskTimeLimitMs ?? undefined,
    softTimeLimitMs: settings.taskSoftTimeLimitMs ?? undefined,
    annotations: settings.taskAnnotations,
  }
}
