/**
 * What a snapshot of this node is written as, by its settings, and what the file says about itself.
 */
import type { SnapshotOptions } from '../../storage';
import type { DataNode } from '../data-node';

/** Where in the stream of replication these data are, for who goes on from there; by Redis' names. */
function placeAux({ replication }: DataNode): readonly (readonly [string, string])[] {
  const { place } = replication;
  if (place === null) return [];
  return [
    ['repl-stream-db', String(place.database)],
    ['repl-id', place.id],
    ['repl-offset', String(place.offset)],
  ];
}

/** `isBase`: for an append-only file. Files of commands take no notice of most of it. */
export function rdbOptions(node: DataNode, kind: 'rdb' | 'commands', isBase: boolean): SnapshotOptions {
  const { values } = node.settings;
  return {
    kind,
    compresses: values['rdbcompression'],
    checksum: values['rdbchecksum'],
    version: values['rdb-version'],
    aux: [
      ['redis-ver', values['redis-version']],
      ['redis-bits', String(node.processGauge.pointerBits)],
      ['ctime', String(Math.floor(node.world.clock.wallMs() / 1000))],
      ['used-mem', String(node.memory.usedBytes())],
      ...placeAux(node),
      ['aof-base', isBase ? '1' : '0'],
    ],
    functions: node.persistence.functions,
  };
}
