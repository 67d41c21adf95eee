/**
 * Fan-out: a command of one session that goes to several servers.
 *
 * Either its keys are divided among their owners, or every group gets the whole of it. The client's order has one place for it, the
 * parent of the split (split.ts). Before the first byte is written, every server that is needed has been asked whether it takes commands;
 * that none of them holds commands back was seen before (Session.hold).
 */
import type { SlotId } from '../slots';
import type { Backend } from './backend';
import type { ProxyNode } from './proxy-node';
import type { Session } from './session';
import { Division, Split } from './split';
import { spelledAnew } from './well-formed';

/** Divides the session's command among the owners of its keys. */
export function divide(session: Session, { route, backends, noOwner }: ProxyNode): void {
  const { command } = session;
  const { protocol } = session.reply;
  session.endRun();
  const division = new Division(route.keys.count);
  for (let i = 0; i < route.keys.count; i++) {
    const backend = backends.of(route.slots[i] as SlotId, protocol);
    if (backend === null) {
      session.refuse(noOwner);
      return;
    }
    division.give(i, backend);
  }
  if (division.backends.length === 1) {
    session.forward(division.backends[0]);
  } else if (beginAll(session, division.backends)) {
    const split = new Split(session.openParent(), route.spec.merge!, division.backends.length, division.owners);
    split.expectFrom(division.backends);
    division.write(route, command);
  }
}

/** Passes the session's command to all groups. */
export function askAll(session: Session, { route, backends }: ProxyNode): void {
  const owners = backends.owners(session.reply.protocol);
  if (owners.length < 2) {
    session.forward(owners[0] ?? null);
    return;
  }
  session.endRun();
  if (!beginAll(session, owners)) return;
  new Split(session.openParent(), route.spec.merge!, owners.length).expectFrom(owners);
  const message = spelledAnew(session.command);
  for (const backend of owners) backend.out.bytes(message, 0, message.length);
}

/** Prepares the backends for a part each; false after the error reply where one of them takes no commands. */
function beginAll(session: Session, backends: readonly Backend[]): boolean {
  for (const backend of backends) {
    const refusal = backend.refusal();
    if (refusal === null) continue;
    session.refuse(refusal);
    return false;
  }
  for (const backend of backends) backend.begin(session.database);
  return true;
}
