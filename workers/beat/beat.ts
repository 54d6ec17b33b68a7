import type { Umbel } from '../../lib/app/app.ts'
import { NotSupported } from '../../lib/base/errors.ts'

/** The periodic scheduler. Not there yet: the constructor refuses, so that nobody takes silence for a schedule. */
export class Beat {
  /** @throws {NotSupported} always */
  constructor(app: Umbel) {
    throw new NotSupported(`Cannot start beat for app "${app.name}": the periodic scheduler is not supported yet.`)
  }
}
