import { loggable } from './loggable.ts'
import { type Logger, type LogLevel, logLevels } from './logger.ts'
import { maskUrl } from './mask-secrets.ts'

/**
 * A logger of the user's own, which gets every line with its secrets masked and its fields as bounded plain data. Errors stay under `err`,
 * as type, message, stack and cause.
 */
export function maskingLogger(target: Logger): Logger {
  const write = (level: LogLevel) => (fields: object, message?: string) => {
    if (target.isLevelEnabled?.(level) === false) return
    target[level](loggable(fields) as object, message === undefined ? undefined : maskUrl(message))
  }
  const levels = Object.fromEntries(logLevels.map((level) => [level, write(level)])) as Record<LogLevel, Logger['info']>
  return {
    ...levels,
    child: (fields) => maskingLogger(target.child(loggable(fields) as object)),
    isLevelEnabled: (level) => target.isLevelEnabled?.(level) ?? true,
  }
}
