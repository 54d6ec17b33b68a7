/**
 * Every error code of the library with its meaning, in one table; the reference page is tested against it.
 * A code never changes its meaning: programs compare `error.code`, people read `error.message`.
 */
export const errorCodes = {
  UMBEL_INVALID_SETTINGS:
    'One or more settings are unknown, wrong or not supported yet; the message lists all of them.',
  UMBEL_INVALID_TASK: 'A task definition or its options are wrong, or two tasks have one name.',
  UMBEL_INVALID_CALL: 'The options of a call, or an argument of a public function, are wrong.',
  UMBEL_UNSERIALIZABLE: 'An argument or a result holds something that cannot travel; the message names its path.',
  UMBEL_MESSAGE_TOO_LARGE: 'A message or a result is over one of the limits; the message says which setting that is.',
  UMBEL_SCHEMA: 'Arguments or a result were refused by the schema of the task.',
  UMBEL_DECODE: 'Bytes from a broker or a result store could not be read as what they claim to be.',
  UMBEL_CONTENT_REFUSED: 'The content type is not in `acceptContent`; it was not decoded.',
  UMBEL_BROKER_UNAVAILABLE: 'The broker could not be reached or did not answer before the deadline.',
  UMBEL_OUTCOME_UNKNOWN: 'The broker did not confirm in time: the message may or may not have been stored.',
  UMBEL_STORE_FULL: 'The store has no room (disk full, memory limit): nothing was stored.',
  UMBEL_STORE_UNUSABLE:
    'The store cannot be used: a file that is read-only, damaged, no store or of a newer version; a server that refuses the login, is too old, or holds something else under our keys.',
  UMBEL_NO_DRIVER: 'The driver that the URL needs is not installed; the message says what to install.',
  UMBEL_UNROUTABLE: 'No queue takes this message, and `taskCreateMissingQueues` is off.',
  UMBEL_NOT_REGISTERED: 'No task of that name is registered here.',
  UMBEL_NO_APP: 'A shared task was called before any app exists.',
  UMBEL_NOT_SUPPORTED: 'A feature that this version does not have yet, or that the backend in use cannot do.',
  UMBEL_RESULTS_DISABLED: 'Results are not kept (`disabled://` or `ignoreResult`), so there is nothing to wait for.',
  UMBEL_TIMEOUT: 'A wait reached its deadline; the task itself may still run.',
  UMBEL_RESULT_EXPIRED: 'The result was stored and has expired since.',
  UMBEL_TASK_FAILED: 'The task ended with an error; `type`, `module` and `args` say which.',
  UMBEL_TASK_REVOKED: 'The task was revoked or had expired before it could run.',
  UMBEL_SOFT_TIME_LIMIT: 'The task ran longer than its soft time limit.',
  UMBEL_TIME_LIMIT: 'The task ran longer than its hard time limit and was ended.',
  UMBEL_MAX_RETRIES: 'The task asked for another retry beyond `maxRetries`.',
  UMBEL_WORKER_LOST: 'The process that ran the task ended without reporting an outcome.',
  UMBEL_WORKER_SHUTDOWN: 'The worker is stopping; the task is given back and will run again.',
  UMBEL_LEASE_LOST: 'The claim on a message passed to another worker, so this attempt may not settle it.',
  UMBEL_CLOSED: 'The app, broker or worker was already closed.',
  UMBEL_LOAD_FAILED: 'A module of the user (app or task file) could not be loaded.',
} as const

/** One of the codes in {@link errorCodes}. */
export type ErrorCode = keyof typeof errorCodes

/** What the library throws: `code` for programs, `message` (what was being done, to what, what to do next) for people. */
export class UmbelError extends Error {
  readonly code: ErrorCode
  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    this.name = new.target.name
  }
}

/** Makes a subclass that fixes the code, so that each error class is one line. */
function coded(code: ErrorCode) {
  return class extends UmbelError {
    constructor(message: string, options?: ErrorOptions) {
      super(code, message, options)
    }
  }
}

/** Settings that are unknown, wrong or not supported yet, all in one. */
export class InvalidSettings extends coded('UMBEL_INVALID_SETTINGS') {}
/** A wrong task definition, or two tasks of one name. */
export class InvalidTask extends coded('UMBEL_INVALID_TASK') {}
/** Wrong call options, or a wrong argument to a public function. */
export class InvalidCall extends coded('UMBEL_INVALID_CALL') {}
/** An argument or result that cannot travel. */
export class Unserializable extends coded('UMBEL_UNSERIALIZABLE') {}
/** A message or a result over one of the limits. */
export class MessageTooLarge extends coded('UMBEL_MESSAGE_TOO_LARGE') {}
/** Arguments or a result that the task's schema refuses. */
export class SchemaRefused extends coded('UMBEL_SCHEMA') {}
/** Bytes that are not what they claim to be. */
export class DecodeError extends coded('UMBEL_DECODE') {}
/** A content type outside `acceptContent`; refused before decoding. */
export class ContentRefused extends coded('UMBEL_CONTENT_REFUSED') {}
/** The broker cannot be reached; nothing was stored. */
export class BrokerUnavailable extends coded('UMBEL_BROKER_UNAVAILABLE') {}
/** The broker did not confirm in time; the message may have been stored. */
export class OutcomeUnknown extends coded('UMBEL_OUTCOME_UNKNOWN') {}
/** No room in the store; nothing was stored. */
export class StoreFull extends coded('UMBEL_STORE_FULL') {}
/** A store that cannot be used as it is: its file, its login, its version. */
export class StoreUnusable extends coded('UMBEL_STORE_UNUSABLE') {}
/** The driver of this URL's scheme is not installed. */
export class NoDriver extends coded('UMBEL_NO_DRIVER') {}
/** No queue takes the message. */
export class Unroutable extends coded('UMBEL_UNROUTABLE') {}
/** No task of that name here. */
export class NotRegistered extends coded('UMBEL_NOT_REGISTERED') {}
/** A shared task was called and there is no app. */
export class NoApp extends coded('UMBEL_NO_APP') {}
/** A feature that this version, or this backend, does not have. */
export class NotSupported extends coded('UMBEL_NOT_SUPPORTED') {}
/** Results are not kept, so there is nothing to wait for. */
export class ResultsDisabled extends coded('UMBEL_RESULTS_DISABLED') {}
/** A wait reached its deadline. */
export class TimeoutError extends coded('UMBEL_TIMEOUT') {}
/** The result was stored and has expired since. */
export class ResultExpired extends coded('UMBEL_RESULT_EXPIRED') {}
/** The task ran longer than its soft limit; the reason of `task.signal`. */
export class SoftTimeLimitExceeded extends coded('UMBEL_SOFT_TIME_LIMIT') {}
/** The task ran longer than its hard limit. */
export class TimeLimitExceeded extends coded('UMBEL_TIME_LIMIT') {}
/** Another retry was asked for beyond `maxRetries`. */
export class MaxRetriesExceededError extends coded('UMBEL_MAX_RETRIES') {}
/** The process or thread that ran the task ended without an outcome. */
export class WorkerLostError extends coded('UMBEL_WORKER_LOST') {}
/** The worker is stopping; the reason of `task.signal` then. */
export class WorkerShutdown extends coded('UMBEL_WORKER_SHUTDOWN') {}
/** The claim passed to another worker. */
export class LeaseLost extends coded('UMBEL_LEASE_LOST') {}
/** Used after it was closed. */
export class Closed extends coded('UMBEL_CLOSED') {}
/** A module of the user could not be loaded. */
export class LoadFailed extends coded('UMBEL_LOAD_FAILED') {}

/**
 * The task was revoked, or had expired, before it could run or while it ran.
 * `reason` is Celery's word: `revoked`, `expired` or `terminated`.
 */
export class TaskRevoked extends coded('UMBEL_TASK_REVOKED') {
  readonly reason: 'revoked' | 'expired' | 'terminated'
  constructor(message: string, options: ErrorOptions & { reason?: 'revoked' | 'expired' | 'terminated' } = {}) {
    super(message, options)
    this.reason = options.reason ?? 'revoked'
  }
}
