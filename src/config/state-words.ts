/**
 * The words of changes: each command as it would be typed, for the history that people read.
 *
 * What is decided by the control plane itself, and cannot be typed, is written in the same manner.
 */
import type { ConfigCommand } from './records';

/** The command in one line. */
export function commandText(command: ConfigCommand): string {
  switch (command.does) {
    case 'create-group':
      return `GROUP CREATE ${command.group}`;
    case 'delete-group':
      return `GROUP DELETE ${command.group}`;
    case 'add-member': {
      const { host, port, zone, role } = command.member;
      return `GROUP ADD ${command.group} ${host} ${port}${zoneWords(zone)} ROLE ${role} ENGINE ${command.engine}`;
    }
    case 'remove-member':
      return `GROUP REMOVE ${command.group} ${command.memberId}`;
    case 'identify-member':
      return `GROUP IDENTIFY ${command.group} ${command.memberId} ${command.runId}`;
    case 'note-stream':
      return `GROUP STREAM ${command.group} ${command.era.stream} SINCE ${command.era.since}`;
    case 'assign-slots':
      return `SLOTS ASSIGN ${command.from}-${command.to} ${command.group}${forceWord(command.force)}`;
    case 'spread-slots':
      return `SLOTS SPREAD ${command.groups.join(' ')}${forceWord(command.force)}`;
    case 'register-proxy': {
      const { runId, address, zone } = command.proxy;
      return `PROXY REGISTER ${runId} ${address}${zoneWords(zone)}`;
    }
    case 'deregister-proxy':
      return `PROXY DEREGISTER ${command.address}`;
    case 'begin-failover':
      return `FAILOVER BEGIN ${command.group} ${command.kind}${targetWords(command.target)} (${command.reason})`;
    case 'end-failover':
      return `FAILOVER END ${command.group} EPOCH ${command.epoch} MASTER ${command.newMaster}`;
    case 'abandon-failover':
      return `FAILOVER ABANDON ${command.group} EPOCH ${command.epoch} (${command.reason})`;
    case 'pause-failover':
      return `FAILOVER PAUSE${groupWord(command.group)}`;
    case 'resume-failover':
      return `FAILOVER RESUME${groupWord(command.group)}`;
    case 'set':
      return `SET ${command.name} ${command.value}`;
    case 'name-cluster':
      return `CLUSTER NAME ${command.clusterId}`;
    case 'add-config': {
      const { id, peerAddress, address, zone } = command.member;
      return `CONFIG ADD ${id} ${peerAddress} ${address}${zoneWords(zone)}`;
    }
    case 'remove-config':
      return `CONFIG REMOVE ${command.id}`;
  }
}

function zoneWords(zone: string): string {
  return zone === '' ? '' : ` ZONE ${zone}`;
}

function targetWords(target: string): string {
  return target === '' ? '' : ` TO ${target}`;
}

function forceWord(force: boolean): string {
  return force ? ' FORCE' : '';
}

function groupWord(group: number): string {
  return group < 0 ? '' : ` ${group}`;
}
