import { type Environment, environmentLayers, settingsFromEnv } from './config-from-env.ts'
import { type Resolution, resolveSettings } from './validate-config.ts'

/**
 * The settings of an app: `UMBEL_*`, then what the code gave, then `CELERY_*`, then defaults. The command line stands above all of them
 * by setting `UMBEL_*` before the app's module is loaded.
 * @param given what the constructor was given
 * @returns with one warning for each `CELERY_*` variable that is not used
 * @throws {InvalidSettings} naming every problem at once
 */
export function settingsOfApp(name: string, given: unknown, env: Environment): Resolution & { warnings: string[] } {
  const fromEnv = settingsFromEnv(env)
  const { umbel, celery } = environmentLayers(fromEnv)
  const code = { settings: given, origin: `new Umbel(${JSON.stringify(name)})` }
  const resolution = resolveSettings([umbel, code, celery], { what: `app "${name}"`, problems: fromEnv.problems })
  return { ...resolution, warnings: fromEnv.warnings }
}
