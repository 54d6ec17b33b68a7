export default {
  description: 'a publication whose outcome is unknown is told as refused',
  edits: [
    {
      file: 'lib/publish/publisher.ts',
      find: 'if (isLast || !(error instanceof BrokerUnavailable)) throw error',
      replace: `if (isLast || !(error instanceof BrokerUnavailable)) throw error instanceof BrokerUnavailable ? error : new BrokerUnavailable('refused')`,
    },
  ],
}
