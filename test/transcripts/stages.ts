/**
 * The stages on which transcripts are played. To add one, add it to this list.
 *
 * A server that listens needs a subclass of TcpStage that starts it, as OracleStage does; one without sockets needs a
 * Stage of its own whose sessions extend WireSession and hand it bytes.
 */
import { OracleStage } from '../oracle/oracle-stage';
import { InProcessStage, ProxyStage, ReloadedStage, ReplicaStage, ServerStage } from './our-stages';
import type { Stage } from './session';

/** These write the replies when transcripts are updated. */
export const oracles = { resp2: new OracleStage(2), resp3: new OracleStage(3) };

export const stages: Stage[] = [
  oracles.resp2,
  oracles.resp3,
  new InProcessStage(),
  new ReloadedStage(),
  new ReplicaStage(),
  new ServerStage(2),
  new ServerStage(3),
  new ProxyStage(2),
  new ProxyStage(3),
];

/** Those that answer at once and by themselves: for many random commands. */
export const directStages: readonly Stage[] = stages.filter(({ name }) => !/proxy|reloaded|replica/i.test(name));
