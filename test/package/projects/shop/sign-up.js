import { audit, send } from './tasks.js'

/** What a web handler would call. */
export async function signUp(email) {
  await send.applyAsync([email], { queue: 'mail', countdown: 60 })
  await audit.delay(`signed up ${email}`)
}
