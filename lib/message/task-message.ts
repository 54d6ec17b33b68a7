/**
 * A task message in memory, whatever protocol it travelled in: what its headers say, known fields by name.
 * The body (arguments and embedded signatures) is apart, in {@link TaskBody}: a worker reads headers in the main process and the
 * body in the slot that runs the task.
 */
export interface TaskHeaders {
  readonly task: string
  readonly id: string
  /** Name to show instead of the task's in logs and monitors. */
  readonly shadow?: string | undefined
  /** Earliest start, ms since the epoch. */
  readonly eta?: number | undefined
  /** No start later than this, ms since the epoch. */
  readonly expires?: number | undefined
  readonly group?: string | undefined
  readonly groupIndex?: number | undefined
  /** Retries made before this message; 0 at first. */
  readonly retries: number
  /** Seconds; undefined means the task's own limit. The wire has the hard one first. */
  readonly timeLimits: { readonly hard?: number | undefined; readonly soft?: number | undefined }
  readonly rootId?: string | undefined
  readonly parentId?: string | undefined
  readonly argsRepr: string
  readonly kwargsRepr: string
  /** `gen<pid>@<host>` of the sender. */
  readonly origin?: string | undefined
  /** Undefined means the task's own setting. */
  readonly ignoreResult?: boolean | undefined
  readonly replacedTaskNesting: number
  readonly stampedHeaders?: readonly string[] | undefined
  readonly stamps: Readonly<Record<string, unknown>>
  /** Content type of the body's compression, or undefined. */
  readonly compression?: string | undefined
  /** Headers that no protocol field claims; null-prototype. */
  readonly custom: Readonly<Record<string, unknown>>
}

/** A signature as it stands inside messages (wire format, section 11); unknown keys are kept. */
export interface WireSignature {
  readonly task: string
  readonly args: readonly unknown[]
  readonly kwargs: Readonly<Record<string, unknown>>
  readonly options: Readonly<Record<string, unknown>>
  readonly subtask_type: string | null
  readonly immutable: boolean
  readonly [key: string]: unknown
}

/** What a v2 body holds after `[args, kwargs, embed]`. */
export interface Embed {
  readonly callbacks?: readonly WireSignature[] | null | undefined
  readonly errbacks?: readonly WireSignature[] | null | undefined
  /** Reversed: the next step is the last element. */
  readonly chain?: readonly WireSignature[] | null | undefined
  readonly chord?: WireSignature | null | undefined
}

/** The decoded body. `kwargs` is null-prototype. */
export interface TaskBody {
  readonly args: readonly unknown[]
  readonly kwargs: Readonly<Record<string, unknown>>
  readonly embed: Embed
}

/** Everything that is encoded into one outgoing message; times are ms since the epoch. */
export interface TaskMessage extends TaskBody {
  readonly headers: TaskHeaders
  readonly replyTo?: string | undefined
  readonly priority?: number | undefined
  readonly deliveryMode?: 1 | 2 | undefined
  /** Further AMQP properties that the caller gave (`messageId`, `appId` …). */
  readonly properties?: Readonly<Record<string, unknown>> | undefined
}
