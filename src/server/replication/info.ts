/**
 * What a node tells of its replication: the section "replication" of INFO, fields of other sections, and ROLE. Names, order and
 * format are Redis' (7.2), by which sentinels, proxies and exporters know who is whose replica and how far behind.
 */
import type { Fields } from '../../metrics';
import { NO_OFFSET, type FeedState, type ReplicaFeed } from '../../replication';
import type { ReplyWriter } from '../../resp';
import type { DataNode } from '../data-node';

/** States of replicas in INFO. */
const STATE_WORDS: Readonly<Record<FeedState, string>> = {
  greeting: '',
  waiting: 'wait_bgsave',
  saving: 'wait_bgsave',
  receiving: 'wait_bgsave',
  fetching: 'send_bulk',
  received: 'online',
  online: 'online',
  gone: '',
};

export function replicationFields(node: DataNode): Fields {
  const { replication, settings } = node;
  const { feeds, history, isReplica, offset } = replication;
  const { values } = settings;
  const { backlog } = feeds;
  const fields: Fields = { role: isReplica ? 'slave' : 'master', ...(isReplica ? linkFields(node) : {}) };
  fields.connected_slaves = feeds.all.length;
  if (values['min-replicas-to-write'] > 0 && values['min-replicas-max-lag'] > 0) {
    fields.min_slaves_good_slaves = feeds.countGood(values['min-replicas-max-lag']);
  }
  feeds.all.forEach((feed, i) => (fields[`slave${i}`] = replicaText(feed, secondsSince(node, feed.ackedAtMs))));
  return {
    ...fields,
    master_failover_state: replication.handover.state,
    master_replid: history.id,
    master_replid2: history.formerId,
    master_repl_offset: offset,
    second_repl_offset: history.formerEnd === NO_OFFSET ? NO_OFFSET : history.formerEnd + 1,
    repl_backlog_active: backlog === null ? 0 : 1,
    repl_backlog_size: values['repl-backlog-size'],
    repl_backlog_first_byte_offset: backlog === null ? 0 : backlog.start + 1,
    repl_backlog_histlen: backlog === null ? 0 : backlog.end - backlog.start,
  };
}

/** The state of a replica, as INFO and the log have it. */
export function stateWord({ state }: ReplicaFeed): string {
  return STATE_WORDS[state];
}

function replicaText(feed: ReplicaFeed, lagSeconds: number): string {
  return (
    `ip=${feed.address},port=${feed.listeningPort},state=${stateWord(feed)},` +
    `offset=${feed.ackedOffset},lag=${feed.isServed ? lagSeconds : 0}`
  );
}

/** What a replica says of its master. */
function linkFields(node: DataNode): Fields {
  const { replication, settings } = node;
  const { values } = settings;
  const { following, master, offset } = replication;
  const { lastIoAtMs, syncedBytes, totalBytes } = following;
  const isSyncing = following.linkState === 'sync';
  const lastIoSeconds = lastIoAtMs === null ? -1 : secondsSince(node, lastIoAtMs);
  const fields: Fields = {
    master_host: master!.host,
    master_port: master!.port,
    master_link_status: following.isConnected ? 'up' : 'down',
    master_last_io_seconds_ago: following.isConnected ? lastIoSeconds : -1,
    master_sync_in_progress: isSyncing ? 1 : 0,
    slave_read_repl_offset: following.readOffset,
    slave_repl_offset: offset,
  };
  if (isSyncing) {
    Object.assign(fields, {
      master_sync_total_bytes: totalBytes,
      master_sync_read_bytes: syncedBytes,
      master_sync_left_bytes: totalBytes - syncedBytes,
      master_sync_perc: totalBytes === 0 ? '0.00' : ((syncedBytes * 100) / totalBytes).toFixed(2),
      master_sync_last_io_seconds_ago: Math.max(0, lastIoSeconds),
    });
  }
  if (!following.isConnected) fields.master_link_down_since_seconds = secondsSince(node, following.downSinceMs);
  fields.slave_priority = values['replica-priority'];
  fields.slave_read_only = values['replica-read-only'] ? 1 : 0;
  fields.replica_announced = values['replica-announced'] ? 1 : 0;
  return fields;
}

/** Of the section "memory". */
export function replicationMemoryFields({ replication, settings }: DataNode): Fields {
  const { backlog } = replication.feeds;
  const bytes = backlog?.memoryBytes ?? 0;
  const kept = backlog === null ? 0 : backlog.end - backlog.start;
  return {
    mem_replication_backlog: bytes,
    mem_total_replication_buffers: bytes,
    // What is kept only because a replica has not been sent it yet.
    mem_clients_slaves: Math.max(0, kept - settings.values['repl-backlog-size']),
  };
}

/** ROLE. */
export function replyRole({ replication }: DataNode, reply: ReplyWriter): void {
  const { feeds, following, master, offset } = replication;
  if (master !== null) {
    reply.array(5);
    reply.text('slave');
    reply.text(master.host);
    reply.integer(master.port);
    reply.text(following.linkState);
    reply.integer(following.isConnected ? offset : -1);
    return;
  }
  const served = feeds.all.filter(({ isServed }) => isServed);
  reply.array(3);
  reply.text('master');
  reply.integer(offset);
  reply.array(served.length);
  for (const feed of served) {
    reply.array(3);
    reply.text(feed.address);
    reply.text(String(feed.listeningPort));
    reply.text(String(feed.ackedOffset));
  }
}

function secondsSince({ world }: DataNode, thenMs: number): number {
  return Math.floor((world.clock.monotonicMs() - thenMs) / 1000);
}
