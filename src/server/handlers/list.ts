/**
 * List commands: adding, reading and changing. Taking from the ends is in list-pop.ts, waiting for elements in list-blocking.ts.
 *
 * Elements are replied straight from the list's memory. A list says itself whether it is packed or large; what a handler owes it is
 * `expect` before it adds and `repack` after it removed.
 */
import type { Handlers, list } from '../../commands';
import type { List } from '../../storage';
import type { Call, Handler } from '../call';
import { INDEX_OUT_OF_RANGE, NO_SUCH_KEY } from '../error-replies';
import { blockingListHandlers } from './list-blocking';
import { listPopHandlers } from './list-pop';
import { listSearchHandlers } from './list-search';

export const listHandlers: Handlers<typeof list, Handler> = {
  ...listPopHandlers,
  ...listSearchHandlers,
  ...blockingListHandlers,

  LPUSH(call) {
    push(call, call.writable(call.list, 1), true);
  },

  RPUSH(call) {
    push(call, call.writable(call.list, 1), false);
  },

  LPUSHX(call) {
    pushToExisting(call, true);
  },

  RPUSHX(call) {
    pushToExisting(call, false);
  },

  LLEN(call) {
    const list = call.readable(call.list, 1);
    if (list !== null) call.reply.integer(list.length);
  },

  LINDEX(call) {
    const list = call.readable(call.list, 1);
    if (list === null) return;
    if (!list.exists) {
      call.reply.null();
      return;
    }
    const index = call.clampedInteger(2);
    if (Number.isNaN(index)) return;
    if (list.seek(index)) call.reply.bulk(list.read(call.value));
    else call.reply.null();
  },

  LSET(call) {
    const list = call.writable(call.list, 1);
    if (list === null) return;
    if (!list.exists) {
      call.reply.error(NO_SUCH_KEY);
      return;
    }
    const index = call.clampedInteger(2);
    if (Number.isNaN(index)) return;
    if (!list.seek(index)) {
      call.reply.error(INDEX_OUT_OF_RANGE);
      return;
    }
    list.replace(call.arg(3));
    list.repack();
    call.changed();
    call.reply.ok();
  },

  LRANGE(call) {
    const from = call.clampedInteger(2);
    if (Number.isNaN(from)) return;
    const to = call.clampedInteger(3);
    if (Number.isNaN(to)) return;
    const list = call.readable(call.list, 1);
    if (list === null) return;
    const { length } = list;
    const first = from < 0 ? Math.max(0, length + from) : from;
    const last = Math.min(to < 0 ? length + to : to, length - 1);
    if (first > last) call.reply.emptyArray();
    else replyElements(call, list, first, last - first + 1, true);
  },

  LTRIM(call) {
    const from = call.clampedInteger(2);
    if (Number.isNaN(from)) return;
    const to = call.clampedInteger(3);
    if (Number.isNaN(to)) return;
    const list = call.writable(call.list, 1);
    if (list === null) return;
    if (list.exists) {
      const { length } = list;
      const first = from < 0 ? Math.max(0, length + from) : from;
      const last = Math.min(to < 0 ? length + to : to, length - 1);
      if (first > last) {
        list.removeKey();
        call.changed(length);
      } else {
        list.trim(first, length - 1 - last);
        list.repack();
        call.changed(first + length - 1 - last);
      }
    }
    call.reply.ok();
  },
};

/** Adds the arguments from the third on, one after the other. */
function push(call: Call, list: List | null, atHead: boolean): void {
  if (list === null) return;
  const { args, argc } = call;
  let bytes = 0;
  for (let i = 2; i < argc; i++) bytes += args.ends[i] - args.starts[i];
  list.expect(bytes, argc - 2);
  for (let i = 2; i < argc; i++) {
    if (atHead) list.pushHead(call.arg(i));
    else list.pushTail(call.arg(i));
  }
  call.changed(argc - 2);
  call.reply.integer(list.length);
}

function pushToExisting(call: Call, atHead: boolean): void {
  const list = call.writable(call.list, 1);
  if (list !== null && !list.exists) call.reply.integer(0);
  else push(call, list, atHead);
}

/** Replies `count` elements, of which there are so many, from an index on: towards the tail, or towards the head. */
export function replyElements(call: Call, list: List, index: number, count: number, forward: boolean): void {
  const { reply, value } = call;
  reply.array(count);
  list.seek(index);
  if (forward) {
    list.writeBulks(reply.out, count);
    return;
  }
  for (let left = count; left > 0; left--) {
    reply.bulk(list.read(value));
    list.previous();
  }
}
