import { sharedTask } from 'umbel'
import { app } from './app.js'

export class MailboxBusy extends Error {}

export const mailbox = { isBusy: false, sent: [] }

export const send = sharedTask(
  { name: 'mail.send', bind: true, autoretryFor: [MailboxBusy], maxRetries: 3, retryBackoff: 60, timeLimit: '30s' },
  async (task, to) => {
    if (mailbox.isBusy) throw new MailboxBusy(`busy at try ${task.retries}`)
    await task.progress(1, 1)
    mailbox.sent.push(to)
    return `sent to ${to}`
  },
)

export const audit = app.task('shop.audit', (what) => what.toUpperCase())
