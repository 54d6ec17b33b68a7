import { WatchedBroker } from '../checks/watched-broker.ts'
import type { Network } from '../unkind-broker/link.ts'
import type { Process } from './process.ts'
import type { World } from './world.ts'

export function openWatchedBroker(world: World, process: Process, network: Network): WatchedBroker {
  const { ledger, plan, store } = world
  return new WatchedBroker({
    store,
    network,
    ledger,
    process,
    clock: process.host.clock,
    by: { process, via: 'settle' },
    settlesResults: plan.isOneStore,
    yieldsDue: plan.yieldsDue,
    onDoubt: (messages) => ledger.doubted(messages),
    onSettleDoubt: (batch) => ledger.settleDoubted(batch),
  })
}
