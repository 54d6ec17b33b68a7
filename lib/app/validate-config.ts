import { InvalidSettings } from '../base/errors.ts'
import { nearestName } from '../base/nearest-name.ts'
import type { ResolvedSettings, Settings } from './config.ts'
import { defaultStoreUrl } from './default-store.ts'
import { clean, isPlainObject, shownValue } from './setting-kinds.ts'
import { camelName, celeryName, settingAliases, settingsTable } from './settings-table.ts'

/** Settings from one place, and what that place is called in errors: `new Umbel('shop')`, `UMBEL_*`, `the command line`. */
export interface SettingsLayer {
  readonly settings: unknown
  readonly origin: string
  /** What an error shall call a setting that came from here: the environment variable, the option. @default the setting's name */
  readonly shownAs?: ReadonlyMap<string, string> | undefined
}

const brokerHint =
  'It is the embedded store only when left out altogether, so that a variable that turned out unset sends no work to a local file'

/**
 * Checks settings by name, type and range. What comes back holds the right ones alone, `broker` and `backend` under their long names;
 * each problem is a sentence that names its setting, with the nearest right name for an unknown one.
 * @param origin where they come from, as the problem with the whole shall name it
 */
export function validateSettings(
  settings: unknown,
  origin: string,
  shownAs: ReadonlyMap<string, string> = new Map(),
): { settings: Settings; problems: string[] } {
  if (settings === undefined) return { settings: {}, problems: [] }
  if (!isPlainObject(settings))
    return { settings: {}, problems: [`${origin} must be an object of settings, not ${shownValue(settings)}.`] }
  const right: Record<string, unknown> = {}
  const problems = aliasProblems(settings, shownAs)
  for (const [given, value] of Object.entries(settings)) {
    const name = Object.hasOwn(settingAliases, given) ? settingAliases[given]! : given
    if (value === undefined && name !== 'brokerUrl') continue
    const found = problemsOf(given, name, value)
    if (found.length === 0) right[name] = value
    for (const problem of found) problems.push(sentence(shownAs.get(given) ?? given, problem))
  }
  return { settings: right as Settings, problems }
}

function problemsOf(given: string, name: string, value: unknown): string[] {
  const row = settingsTable.get(name)
  if (row === undefined) return [unknownProblem(given)]
  if (row.status === 'later') return [`is not supported yet: ${row.reason}`]
  if (row.status === 'none') return [`has no meaning here: ${row.reason}`]
  if (name === 'brokerUrl' && (value === undefined || value === null || value === ''))
    return [`is ${value === '' ? 'empty' : String(value)}. ${brokerHint}`]
  return row.kind!.check(value, name)
}

function aliasProblems(settings: Readonly<Record<string, unknown>>, shownAs: ReadonlyMap<string, string>): string[] {
  const shown = (name: string): string => shownAs.get(name) ?? name
  return Object.entries(settingAliases).flatMap(([short, long]) =>
    settings[short] !== undefined && settings[long] !== undefined && settings[short] !== settings[long]
      ? [`${shown(short)} and ${shown(long)} are one setting, and their values differ. Give one of them.`]
      : [],
  )
}

/** `task_serializer`, `CELERY_TASK_SERIALIZER` and even `CELERY_ACKS_LATE` mean a setting; anything else is answered with the nearest. */
function unknownProblem(given: string): string {
  const meant = meantSetting(given) ?? nearestSetting(given)
  return meant === undefined
    ? 'is no setting. The reference page lists all of them'
    : `is no setting. Did you mean ${meant}?`
}

function nearestSetting(given: string): string | undefined {
  const supported = [...settingsTable.values()].filter((row) => row.status === 'supported').map((row) => row.name)
  return nearestName(given, [...supported, ...Object.keys(settingAliases)]) ?? nearestName(given, settingsTable.keys())
}

/**
 * The setting that one of Celery's spellings means: snake case, with or without `CELERY_`, and names from before Celery 4
 * (`CELERYD_CONCURRENCY`, `CELERY_ACKS_LATE`), whose groups had other prefixes.
 */
export function meantSetting(given: string): string | undefined {
  if (!/^[a-z][a-z0-9_]*$/i.test(given)) return undefined
  const plain = celeryName(given.includes('_') ? given.toLowerCase() : given).replace(
    /^(?:celeryd|celerybeat|celery)_/,
    '',
  )
  for (const prefix of ['', 'task_', 'worker_', 'beat_', 'result_', 'broker_']) {
    const name = camelName(`${prefix}${plain}`)
    if (Object.hasOwn(settingAliases, name)) return name
    if (settingsTable.has(name)) return name
  }
  return undefined
}

/** A problem with its subject in front: kinds write what follows the name, which may be an index or a key of it. */
function sentence(subject: string, problem: string): string {
  const gap = /^[[.: ]/.test(problem) ? '' : ' '
  return `${clean(subject)}${gap}${problem}${/[.?]$/.test(problem) ? '' : '.'}`
}

/** What {@link resolveSettings} made of the layers. */
export interface Resolution {
  readonly settings: ResolvedSettings
  /** Which settings were given, and where: setting's name → origin. The rest are defaults. */
  readonly origins: ReadonlyMap<string, string>
}

/**
 * Merges layers, strongest first, over the defaults.
 * @param around `what` the settings are for, as the error shall begin: `app "shop"`; `problems` found before, to be reported with the rest
 * @throws {InvalidSettings} one error for every problem in all of the layers
 */
export function resolveSettings(
  layers: readonly SettingsLayer[],
  around: { readonly what: string; readonly problems?: readonly string[] | undefined },
): Resolution {
  const problems = [...(around.problems ?? [])]
  const merged: Record<string, unknown> = {}
  const origins = new Map<string, string>()
  for (const { settings, origin, shownAs } of layers) {
    const checked = validateSettings(settings, origin, shownAs)
    problems.push(...checked.problems)
    for (const [name, value] of Object.entries(checked.settings)) {
      if (origins.has(name)) continue
      merged[name] = value
      origins.set(name, shownAs?.get(name) ?? origin)
    }
  }
  if (problems.length > 0) throw invalid(around.what, problems)
  const settings = filledIn(merged)
  const together = crossProblems(settings)
  if (together.length > 0) throw invalid(around.what, together)
  return { settings, origins }
}

function invalid(what: string, problems: readonly string[]): InvalidSettings {
  const [first = ''] = problems
  const many = `${problems.length} settings are wrong:\n${problems.map((problem) => `- ${problem}`).join('\n')}`
  return new InvalidSettings(`Cannot set up ${what}: ${problems.length === 1 ? first : many}`)
}

function filledIn(merged: Readonly<Record<string, unknown>>): ResolvedSettings {
  const resolved: Record<string, unknown> = {}
  for (const { name, kind, default: byDefault } of settingsTable.values()) {
    if (kind === undefined) continue
    const value = Object.hasOwn(merged, name) ? merged[name] : byDefault
    resolved[kind.isDuration ? `${name}Ms` : name] = value === null ? null : kind.resolve(value)
  }
  const brokerUrl = (merged['brokerUrl'] as string | undefined) ?? defaultStoreUrl(process.cwd())
  const policy = (name: string): unknown => ({ ...rowDefault(name), ...(resolved[name] as object) })
  return Object.freeze({
    ...(resolved as unknown as ResolvedSettings),
    ...(resolved['resultExpiresMs'] === 0 ? { resultExpiresMs: null } : {}),
    taskPublishRetryPolicy: retryPolicyOf(policy('taskPublishRetryPolicy') as Record<string, number>),
    brokerTransportOptions: Object.freeze(
      policy('brokerTransportOptions') as ResolvedSettings['brokerTransportOptions'],
    ),
    brokerUrl,
    brokerIsDefault: !Object.hasOwn(merged, 'brokerUrl'),
    resultBackend: (merged['resultBackend'] as string | undefined) ?? brokerUrl,
  })
}

function rowDefault(name: string): object {
  const { kind, default: byDefault } = settingsTable.get(name)!
  return kind!.resolve(byDefault) as object
}

function retryPolicyOf(given: Readonly<Record<string, number>>): ResolvedSettings['taskPublishRetryPolicy'] {
  const { maxRetries, intervalStart, intervalStep, intervalMax } = given as Record<string, number>
  return Object.freeze({ maxRetries: maxRetries!, startMs: intervalStart!, stepMs: intervalStep!, maxMs: intervalMax! })
}

/** What is right by itself and wrong together. */
function crossProblems(settings: ResolvedSettings): string[] {
  const { taskSoftTimeLimitMs: softMs, taskTimeLimitMs: hardMs } = settings
  const isNeverReached = softMs !== null && hardMs !== null && softMs > hardMs
  return [
    ...(isNeverReached
      ? [
          `taskSoftTimeLimit (${softMs} ms) is longer than taskTimeLimit (${hardMs} ms), so it would never be reached. Make it the shorter one.`,
        ]
      : []),
    ...namelessMasters(settings),
  ]
}

/** Sentinels know servers of several names. */
function namelessMasters(settings: ResolvedSettings): string[] {
  const { brokerUrl, resultBackend, brokerTransportOptions, resultBackendTransportOptions } = settings
  const problem = (setting: string, option: string): string =>
    `${setting} names sentinels and not their master. Set ${option}: { masterName: '…' }.`
  const isSentinel = (url: string): boolean => /^sentinel:/i.test(url)
  if (isSentinel(brokerUrl) && brokerTransportOptions.masterName === undefined)
    return [problem('brokerUrl', 'brokerTransportOptions')]
  if (
    isSentinel(resultBackend) &&
    resultBackend !== brokerUrl &&
    resultBackendTransportOptions.masterName === undefined
  )
    return [problem('resultBackend', 'resultBackendTransportOptions')]
  return []
}
