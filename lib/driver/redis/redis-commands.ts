/** What a command takes: text, numbers and bytes, as they are. */
export type RedisValue = string | number | Uint8Array

/** One command of a pipeline. */
export interface RedisCall {
  readonly name: string
  readonly args: readonly RedisValue[]
  /** What is run, and sent whole to a server that doesn't know it; the arguments begin with the number of keys. */
  readonly script?: ScriptTexts | undefined
  /** What this does, as errors name it: `publish`. @default the command's name */
  readonly what?: string | undefined
}

/** A script as servers of different versions want it. */
export interface ScriptTexts {
  readonly plain: ScriptText
  /** With its flags in the first line, which servers before 7.0 take for a mistake. */
  readonly flagged?: ScriptText | undefined
}

export interface ScriptText {
  readonly lua: string
  readonly sha: string
}

export interface CallOptions {
  /** Texts in the reply come as Buffers; what is no valid UTF-8 can't be had otherwise. @default false */
  readonly buffers?: boolean | undefined
  /**
   * Doing it twice does no harm, so it is sent again when its connection ends before the reply. Without it, such a call is rejected as
   * `OutcomeUnknown`. @default false
   */
  readonly repeat?: boolean | undefined
  /** It changes nothing, so it is repeated like `repeat`, and when it fails in the end it was not done. @default false */
  readonly reads?: boolean | undefined
  /** All the time it may take, waiting for a connection included, ms. @default the server's `timeoutMs` */
  readonly timeoutMs?: number | undefined
  /** How much of that it may wait for a connection while there is none, ms; 0 fails at once. @default timeoutMs */
  readonly waitMs?: number | undefined
  /** What this does, as errors name it: `publish`. @default the command's name */
  readonly what?: string | undefined
}

/** What takes commands: a server of this process, one generation of its connections, or a client of its own. */
export interface RedisCommands {
  /**
   * @throws {BrokerUnavailable} when it was not done
   * @throws {OutcomeUnknown} when it may have been done
   * @throws {StoreFull, StoreUnusable, Closed}
   */
  command(name: string, args?: readonly RedisValue[], options?: CallOptions): Promise<unknown>
  /**
   * Sends all at once; no other call of this process comes between. The replies are in order, an error in place of each that was refused.
   * A script that the server doesn't know yet is run again after the others.
   * @throws as {@link command} when the connection fails
   */
  pipeline(calls: readonly RedisCall[], options?: CallOptions): Promise<unknown[]>
}

/** The connections of one stretch of time. What is sent through it goes to that server or fails; it is never sent to the next. */
export interface Generation extends RedisCommands {
  /** Counted from 1. */
  readonly number: number
  readonly facts: ServerFacts
  /** The number by which `CLIENT TRACKING … REDIRECT` names the connection for messages; undefined while nothing was ever subscribed. */
  readonly subscriberId: number | undefined
  readonly isOver: boolean
  /** Aborted when the generation is over; its reason says why. */
  readonly signal: AbortSignal
}

/** What the server said of itself when the generation began. */
export interface ServerFacts {
  /** `7.0.15`. */
  readonly version: string
  readonly major: number
  readonly minor: number
  /** The server's wall clock, ms since the epoch, and when it was that by the monotonic clock of this process. */
  readonly timeMs: number
  readonly timeAt: number
}
