/**
 * Connection commands of the data node. What every node answers (HELLO, AUTH, PING …) is in
 * src/commands/common-connection.ts, CLIENT in client.ts.
 */
import { commonConnectionHandlers, DB_OUT_OF_RANGE, type connection, type Handlers } from '../../commands';
import type { Handler } from '../call';
import { clientHandlers } from './client';

export const connectionHandlers: Handlers<typeof connection, Handler> = {
  ...clientHandlers,
  ...commonConnectionHandlers,

  SELECT(call) {
    const index = call.int32(1);
    if (Number.isNaN(index)) return;
    if (!call.keyspace.isDatabaseIndex(index)) return call.reply.error(DB_OUT_OF_RANGE);
    call.session.database = call.keyspace.database(index);
    call.reply.ok();
  },
};
