import { arch, platform, release } from 'node:os'
import type { Umbel } from '../../../lib/app/app.ts'
import { guaranteesOf } from '../../../lib/app/guarantees.ts'
import { settingsTable } from '../../../lib/app/settings-table.ts'
import { loggable } from '../../../lib/base/loggable.ts'
import { isSecretName, maskUrl } from '../../../lib/base/mask-secrets.ts'
import type { Broker } from '../../../lib/broker/broker.ts'
import type { ResultBackend } from '../../../lib/result/result-backend.ts'
import type { Command } from '../command.ts'
import { shown } from '../output.ts'
import { packageVersion } from '../version.ts'

/** `umbel report`: what to paste into a bug report. */
export const reportCommand: Command = {
  name: 'report',
  summary:
    'Versions, platform, settings that differ from their defaults, tasks, and what this set-up guarantees. Secrets are masked.',
  examples: [
    { line: 'umbel -A ./app.ts report', says: 'for people' },
    { line: 'umbel -A ./app.ts report --json', says: 'for programs' },
  ],
  async run({ load, appPath, out }) {
    const { app, base } = await load()
    if (appPath !== undefined) await app.loadImports(base)
    const broker = await app.broker()
    const backend = await app.resultBackend()
    const report = {
      app: app.name,
      versions: { umbel: packageVersion(), node: process.versions.node },
      platform: `${platform()} ${release()} ${arch()}`,
      broker: describeBroker(broker),
      resultBackend: describeBackend(backend),
      settings: changedSettings(app),
      tasks: [...app.tasks.names()].sort(),
      guarantees: await guaranteesOf(app.settings, broker, backend),
    }
    const section = (title: string): void => out.line(`\n${out.paint('bold', title)}`)
    out.line(
      `${out.paint('bold', shown(report.app))}: umbel ${report.versions.umbel}, node ${report.versions.node}, ${shown(report.platform)}`,
    )
    out.line(`broker   ${shown(report.broker.store)} (priorities: ${report.broker.priorityOrder})`)
    out.line(`results  ${shown(report.resultBackend.store)}`)
    section('Settings that differ from their defaults')
    for (const { name, value, origin } of report.settings)
      out.line(`  ${name} = ${shown(out.asJson(value))}  (${shown(origin)})`)
    if (report.settings.length === 0) out.line('  none')
    section(`Tasks (${report.tasks.length})`)
    for (const name of report.tasks) out.line(`  ${shown(name)}`)
    section('What holds here')
    for (const { holds, says } of report.guarantees)
      out.line(`  ${holds ? out.paint('green', 'yes') : out.paint('yellow', 'no ')}  ${shown(says)}`)
    out.value(report)
    return 0
  },
}

function describeBroker({ store, capabilities }: Broker) {
  return { store, ...capabilities }
}

function describeBackend({ store, capabilities }: ResultBackend) {
  return { store, ...capabilities }
}

function changedSettings(app: Umbel): { name: string; value: unknown; origin: string }[] {
  const settings = app.settings as unknown as Readonly<Record<string, unknown>>
  return [...app.settingOrigins]
    .map(([name, origin]) => {
      const value = settings[settingsTable.get(name)?.kind?.isDuration ? `${name}Ms` : name]
      return { name, value: isSecretName(name) ? '********' : shownSetting(value), origin }
    })
    .sort((a, b) => a.name.localeCompare(b.name))
}

/** Functions and loggers as a word, everything else as it is, secrets masked. */
function shownSetting(value: unknown): unknown {
  return typeof value === 'string' ? maskUrl(value) : loggable(value)
}
