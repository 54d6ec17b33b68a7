import { Umbel } from 'umbel'

// A folder that is not there: a test that asks for the shop's own broker fails.
export const app = new Umbel('shop', {
  broker: 'sqlite:///no/such/folder/shop.db',
  imports: [() => import('./tasks.js')],
})
