/** The data node's table: complete, documented, and able to read a redis.conf with everything in it. */
import { describe, expect, it } from 'vitest';
import { loadSettingsText, rewriteSettingsText, type SettingsTable } from '../../src/base';
import { SERVER_DIRECTIVES, SERVER_SETTINGS, serverSettings } from '../../src/server/settings';

const reader = { readFile: (): string => '', readStdin: (): string => '' };

describe('settings of the data node', () => {
  it('say in a sentence what they do', () => {
    for (const { traits } of Object.values(SERVER_SETTINGS)) expect(traits.does).toMatch(/^[A-Z0-9].+\.$/);
  });

  it('read back every default, by every name, from the form that a file has', () => {
    const settings = serverSettings();
    const before = settings.match(['*']);
    const table: SettingsTable = settings.table;
    const lines = Object.entries(table).flatMap(([name, setting]) =>
      setting.lines(setting.initial, setting.initial).map((line) => `${name} ${line.words}`),
    );
    const file = lines.join('\n');
    loadSettingsText(settings, file, reader);
    expect(settings.match(['*'])).toEqual(before);
    expect(settings.inertInUse()).toEqual([]);
    expect(rewriteSettingsText(settings, file)).toBe(`${file}\n`);
  });

  it('name what was set without effect', () => {
    const settings = serverSettings();
    loadSettingsText(
      settings,
      'appendonly yes\nrdb-del-sync-files yes\nmaxmemory 1gb\ndaemonize no\nslaveof host 1',
      reader,
    );
    expect(settings.inertInUse()).toEqual(['rdb-del-sync-files']);
  });

  it('refuse directives that people rely on, and pass over those that Redis passes over', () => {
    const load = (text: string) => () =>
      loadSettingsText(serverSettings(), text, reader, { directives: SERVER_DIRECTIVES });
    expect(load('rename-command FLUSHALL ""')).toThrow('rename-command is not supported by this server');
    expect(load('loadmodule x.so')).toThrow('loadmodule is not supported');
    expect(load('user a on')).toThrow('user is not supported');
    expect(load('list-max-ziplist-value 64')).not.toThrow();
    expect(load('list-max-ziplist-value')).toThrow('Bad directive');
  });

  it.each([
    ['notify-keyspace-events', 'KEA', 'AKE'],
    ['notify-keyspace-events', 'Elg', 'glE'],
    ['notify-keyspace-events', 'Knd', 'dnK'],
    ['notify-keyspace-events', '', ''],
    ['repl-backlog-size', '1', '16384'],
    ['hz', '0', '1'],
    ['client-output-buffer-limit', 'replica 1 2 3', 'normal 0 0 0 slave 1 2 3 pubsub 33554432 8388608 60'],
  ])('%s %j is shown as %j', (name, given, shown) => {
    const settings = serverSettings();
    expect(settings.change([name, given], false)).toBeNull();
    expect(settings.getText(name)).toBe(shown);
  });

  it.each([
    ['notify-keyspace-events', 'q', "Invalid event class character. Use 'Ag$lshzxeKEtmdn'."],
    ['proc-title-template', '{foo}', 'template format is invalid or contains unknown variables'],
    ['cluster-announce-hostname', 'a b', 'Hostnames may only contain alphanumeric characters, hyphens or dots'],
    ['shutdown-on-sigint', 'save nosave', "shutdown options SAVE and NOSAVE can't be used simultaneously"],
    ['oom-score-adj-values', '1 2', 'wrong number of arguments'],
    ['maxclients', '0', 'argument must be between 1 and 4294967295 inclusive'],
    ['databases', '5', "can't set immutable config"],
    ['dbfilename', 'x', "can't set protected config"],
  ])('%s %j is refused: %s', (name, given, reason) => {
    const reply = `ERR CONFIG SET failed (possibly related to argument '${name}') - ${reason}`;
    expect(serverSettings().change([name, given], false)).toBe(reply);
  });
});
