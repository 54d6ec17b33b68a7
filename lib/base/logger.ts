/**
 * What the library logs to: pino's shape, so that a pino logger fits as it is. Fields first, then the message.
 * Control characters are escaped and secrets masked by the console logger; a logger of your own gets the fields already masked.
 */
export interface Logger {
  trace(fields: object, message?: string): void
  debug(fields: object, message?: string): void
  info(fields: object, message?: string): void
  warn(fields: object, message?: string): void
  error(fields: object, message?: string): void
  fatal(fields: object, message?: string): void
  child(fields: object): Logger
  /** Spares the making of lines that are not written. Without it, all are made. */
  isLevelEnabled?(level: LogLevel): boolean
}

/** From the least to the most important. */
export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const
export type LogLevel = (typeof logLevels)[number]

/** Says nothing: for tests, and for `logger: silentLogger`. */
export const silentLogger: Logger = {
  trace() {},
  debug() {},
  info() {},
  warn() {},
  error() {},
  fatal() {},
  child: () => silentLogger,
  isLevelEnabled: () => false,
}
