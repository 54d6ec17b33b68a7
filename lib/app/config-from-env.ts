import { nearestName } from '../base/nearest-name.ts'
import type { Settings } from './config.ts'
import { celeryName, settingAliases, settingsTable } from './settings-table.ts'
import { meantSetting, type SettingsLayer, validateSettings } from './validate-config.ts'

/** Environment variables by name; `process.env` fits. */
export type Environment = Readonly<Record<string, string | undefined>>

/** What the environment says about settings. */
export interface EnvironmentSettings {
  /** From `UMBEL_*`. Not checked: as a layer they are, and errors name the variable (`umbelShownAs`). */
  readonly umbel: Settings
  readonly umbelShownAs: ReadonlyMap<string, string>
  /** From Celery's own `CELERY_*`: those that are right and supported. */
  readonly celery: Settings
  readonly celeryShownAs: ReadonlyMap<string, string>
  /** One sentence for each `CELERY_*` variable that is not used, with why. */
  readonly warnings: string[]
  /** One sentence for each `UMBEL_*` variable that names no setting. */
  readonly problems: string[]
}

/** Set for tests: no settings. `UMBEL_FAULT` names a crash point. */
const forTests = /^UMBEL_(?:TEST_|FAULT$)/
/** Set by Celery's own tools for its own processes; they say nothing to us, so there is nothing to warn of. */
const notForUs = /^CELERY_(?:BENCH|BIN|NODES|RDB_|RDBSIG|SKIP_CHECKS|LOG_|PID_)/

/**
 * Reads settings from environment variables: `UMBEL_WORKER_CONCURRENCY=4`, `CELERY_BROKER_URL=…`. Lists are comma-separated, maps are JSON.
 * A value that Umbel can't serve is an error under `UMBEL_`, since it was meant for us, and a warning under `CELERY_`, since it may be
 * meant for a Python worker beside us.
 */
export function settingsFromEnv(env: Environment): EnvironmentSettings {
  const umbel: Record<string, unknown> = {}
  const umbelShownAs = new Map<string, string>()
  const celery: Record<string, unknown> = {}
  const celeryShownAs = new Map<string, string>()
  const warnings: string[] = []
  const problems: string[] = []
  for (const [variable, value] of Object.entries(env)) {
    if (value === undefined) continue
    if (variable.startsWith('UMBEL_') && !forTests.test(variable)) {
      const name = variables.get(variable.slice('UMBEL_'.length))
      if (name === undefined) problems.push(unknownVariable(variable))
      else {
        umbel[name] = fromText(name, value)
        umbelShownAs.set(name, variable).set(settingAliases[name] ?? name, variable)
      }
    } else if (variable.startsWith('CELERY_') && !notForUs.test(variable)) {
      const name = variables.get(variable.slice('CELERY_'.length)) ?? meantSetting(variable)
      const checked = checkCelery(variable, name, value)
      if (typeof checked === 'string') warnings.push(checked)
      for (const [right, its] of typeof checked === 'string' ? [] : Object.entries(checked)) {
        celery[right] = its
        celeryShownAs.set(right, variable)
      }
    }
  }
  return { umbel, umbelShownAs, celery, celeryShownAs, warnings, problems }
}

/** The two layers of the environment, to stand round what the code says: code is stronger than `CELERY_*` and weaker than `UMBEL_*`. */
export function environmentLayers(from: EnvironmentSettings): { umbel: SettingsLayer; celery: SettingsLayer } {
  return {
    umbel: { settings: from.umbel, origin: 'UMBEL_*', shownAs: from.umbelShownAs },
    celery: { settings: from.celery, origin: 'CELERY_*', shownAs: from.celeryShownAs },
  }
}

/** `TASK_SERIALIZER` → `taskSerializer`, for every setting and both short names. */
const variables: ReadonlyMap<string, string> = new Map(
  [...settingsTable.keys(), ...Object.keys(settingAliases)].map((name) => [celeryName(name).toUpperCase(), name]),
)

function fromText(name: string, value: string): unknown {
  const row = settingsTable.get(settingAliases[name] ?? name)
  return row?.kind?.fromText === undefined ? value : row.kind.fromText(value)
}

function checkCelery(variable: string, name: string | undefined, value: string): Record<string, unknown> | string {
  if (name === undefined) return `${variable} is not used: it is no setting that Umbel knows.`
  if (value === '') return `${variable} is not used: it is empty.`
  const shownAs = new Map([[name, variable]])
  const { settings, problems } = validateSettings({ [name]: fromText(name, value) }, variable, shownAs)
  return problems.length === 0 ? { ...settings } : `${problems[0]!.replace(/\.$/, '')}. The variable is not used.`
}

function unknownVariable(variable: string): string {
  const nearest = nearestName(variable.slice('UMBEL_'.length), variables.keys())
  return `${variable} names no setting.${nearest === undefined ? '' : ` Did you mean UMBEL_${nearest}?`}`
}
