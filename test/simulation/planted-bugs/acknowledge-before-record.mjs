export default {
  description: 'the message is acknowledged in one act and its record stored in a later one',
  edits: [
    {
      file: 'workers/request/conclude.ts',
      find: 'parts.settler.settle(endedOf(request), settlementOf(request.delivery.claim, acknowledgement, left))',
      replace: `parts.settler.settle(endedOf(request), settlementOf(request.delivery.claim, acknowledgement, {}))
  parts.settler.leave(endedOf(request), left)`,
    },
  ],
}
