/**
 * cache-server as a process: its command line, its file, what it prints, and how it ends. Tools that start servers
 * (test containers, supervisors, service files) wait for exactly these words and exit codes.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { build, connectTo, Daemon, endAll, freePort, runServer, startServer } from './daemon';

const STOP_WITHIN_MS = 2000;
const DEBIAN_CONFIG = '/etc/redis/redis.conf';

let folder: string;
let port: number;

beforeAll(build);
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'slotcache-bin-'));
  port = await freePort();
});
afterEach(async () => {
  await endAll();
  rmSync(folder, { recursive: true, force: true });
});

function writeConfig(...lines: string[]): string {
  const file = join(folder, 'redis.conf');
  writeFileSync(file, lines.join('\n') + '\n');
  return file;
}

describe('the command line', () => {
  test.each(['--version', '-v'])('%s', async (flag) => {
    const { code, stdout, stderr } = await runServer([flag]);
    expect(stdout).toMatch(/^cache-server v=\d+\.\d+\.\d+ \(Redis 7\.2\.\d+ compatible\) bits=64\n$/);
    expect([code, stderr]).toEqual([0, '']);
  });

  test.each(['--help', '-h'])('%s', async (flag) => {
    const { code, stdout, stderr } = await runServer([flag]);
    expect(stdout).toMatch(/^Usage: cache-server \[\/path\/to\/cache-server\.conf\]/);
    expect([code, stderr]).toEqual([0, '']);
  });

  test('flags override the file, whose place is first', async () => {
    const file = writeConfig('# a comment', 'port 1', 'maxmemory 1mb', 'databases 4');
    const server = new Daemon('dist/bin/cache-server.js', [file, '--port', String(port), '--maxmemory', '2mb']);
    await server.says(/Ready to accept connections/);
    const client = await connectTo(port);
    expect(await client.command('CONFIG', 'GET', 'maxmemory', 'databases')).toEqual([
      'maxmemory',
      '2097152',
      'databases',
      '4',
    ]);
    await client.close();
  });

  test('settings come on standard input too', async () => {
    const server = new Daemon('dist/bin/cache-server.js', ['-'], folder, `port ${port}\nmaxclients 7\n`);
    await server.says(/Ready to accept connections/);
    const client = await connectTo(port);
    expect(await client.command('CONFIG', 'GET', 'maxclients')).toEqual(['maxclients', '7']);
    await client.close();
  });
});

describe('refuses to start, says why on standard error, and exits with 1', () => {
  test('a line that is no setting', async () => {
    const { code, stderr } = await runServer([writeConfig('port 0', 'no-such-setting 1')]);
    expect(stderr).toContain('*** FATAL CONFIG FILE ERROR (Redis 7.2.');
    expect(stderr).toContain("Reading the configuration file, at line 2\n>>> 'no-such-setting 1'\n");
    expect(stderr).toContain('Bad directive or wrong number of arguments');
    expect(code).toBe(1);
  });

  test('a value that cannot be', async () => {
    const { code, stderr } = await runServer(['--maxclients', 'many']);
    expect(stderr).toContain(">>> 'maxclients \"many\"'\nargument couldn't be parsed into an integer\n");
    expect(code).toBe(1);
  });

  test('a file that is not there', async () => {
    const { code, stderr } = await runServer([join(folder, 'none.conf')]);
    expect(stderr).toMatch(/^Fatal error, can't open config file '.*none\.conf': No such file or directory\n$/);
    expect(code).toBe(1);
  });

  test('a folder that is not there', async () => {
    const { code, stderr } = await runServer(['--port', '0', '--dir', join(folder, 'none')]);
    expect(stderr).toMatch(/^Can't chdir to '.*none': No such file or directory\n$/);
    expect(code).toBe(1);
  });

  test('a log file that cannot be written', async () => {
    const { code, stderr } = await runServer(['--port', '0', '--logfile', join(folder, 'none', 'log')]);
    expect(stderr).toBe("Can't open the log file: No such file or directory\n");
    expect(code).toBe(1);
  });

  test('data that are damaged', async () => {
    writeFileSync(join(folder, 'dump.rdb'), 'REDIS0011 and then garbage');
    const { code, stdout } = await runServer(['--port', String(port), '--dir', folder]);
    expect(stdout).toMatch(/# cache-server cannot start: .*\(byte \d+\)/);
    expect(stdout).not.toContain('Ready');
    expect(code).toBe(1);
  });

  test("another process' directory", async () => {
    await startServer(port, '--dir', folder);
    const { code, stdout } = await runServer(['--port', '0', '--dir', folder]);
    expect(stdout).toMatch(
      /# cache-server cannot start: cannot lock directory .*give this server a directory of its own/,
    );
    expect(code).toBe(1);
  });

  test('a port that somebody else has', async () => {
    await startServer(port);
    const { code, stdout } = await runServer(['--port', String(port), '--bind', '127.0.0.1']);
    expect(stdout).toMatch(new RegExp(`# Failed listening on port ${port}, aborting: .*EADDRINUSE`));
    expect(stdout).not.toContain('Ready');
    expect(code).toBe(1);
  });
});

describe('a life', () => {
  test("starts in Redis' words, as the process that was started", async () => {
    const server = await startServer(port);
    const lines = server.stdout.trimEnd().split('\n');
    expect(lines.every((line) => /^\d+:M \d\d \w{3} \d{4} \d\d:\d\d:\d\d\.\d{3} [.*#-] /.test(line))).toBe(true);
    expect(server.stdout).toMatch(
      new RegExp(`port=${port}, PID: ${server.pid}, [^]*Server initialized\n[^]*Ready to accept connections tcp`),
    );
    const client = await connectTo(port);
    expect(await client.command('INFO', 'server')).toContain(`process_id:${server.pid}\r\n`);
    await client.close();
  });

  test.each(['SIGTERM', 'SIGINT'] as const)('%s ends it cleanly, with clients connected and busy', async (signal) => {
    const server = await startServer(port);
    const clients = await Promise.all(Array.from({ length: 20 }, () => connectTo(port)));
    const replies = clients.map((client, i) => client.command('SET', i, 'x'.repeat(1000)));
    await Promise.all(replies);
    const ending = await server.kill(signal);
    expect(ending).toMatchObject({ code: 0, signal: null });
    expect(ending.afterMs).toBeLessThan(STOP_WITHIN_MS);
    expect(server.stdout).toContain(`* Received ${signal}, scheduling shutdown...\n`);
    expect(server.stdout).toMatch(/bye bye\.\.\.\n$/);
    await expect(clients[0].command('PING')).rejects.toMatchObject({ code: 'CLOSED' });
  });

  test('SIGTERM waits for a replica that lags, and whoever insists by SIGINT need not', async () => {
    const server = await startServer(port, '--save', '', '--repl-diskless-sync-delay', '0');
    const replica = connect({ port, host: '127.0.0.1' }).resume();
    replica.write('PSYNC ? -1\r\n');
    const client = await connectTo(port);
    await expect.poll(async () => String(await client.command('INFO', 'replication'))).toContain('state=online');
    await client.command('SET', 'k', 'v');
    process.kill(server.pid, 'SIGTERM');
    await server.says(/Waiting for replicas before shutting down/);
    process.kill(server.pid, 'SIGTERM');
    expect(await client.command('GET', 'k')).toBe('v');
    expect((await server.kill('SIGINT')).code).toBe(1);
    expect(server.stdout).toContain('# You insist... exiting now.\n');
    replica.destroy();
  });

  test('SIGTERM while it starts ends it too', async () => {
    const server = new Daemon('dist/bin/cache-server.js', ['--port', String(port)]);
    await server.says(/No config file given/);
    const { code } = await server.kill('SIGTERM');
    expect(code).toBe(0);
  });

  test('SHUTDOWN NOSAVE ends it', async () => {
    const server = await startServer(port);
    const client = await connectTo(port);
    await expect(client.command('SHUTDOWN', 'NOSAVE')).rejects.toMatchObject({ code: 'CLOSED' });
    expect(await server.ended).toMatchObject({ code: 0, signal: null });
    expect(server.stdout).toContain('# User requested shutdown...\n');
  });

  test('kill -9 under load: what was acknowledged is there', async () => {
    const args = ['--dir', folder, '--appendonly', 'yes'];
    const server = await startServer(port, ...args);
    const client = await connectTo(port);
    let acknowledged = 0;
    const writes = Array.from({ length: 5000 }, (_, i) =>
      client.command('SET', i, 'x'.repeat(100)).then(
        () => acknowledged++,
        () => undefined,
      ),
    );
    await writes[500];
    await server.kill('SIGKILL');
    await Promise.all(writes);
    await startServer(port, ...args);
    const again = await connectTo(port);
    expect(Number(await again.command('DBSIZE'))).toBeGreaterThanOrEqual(acknowledged);
    await again.close();
  });

  test('SIGTERM saves, and the next start loads', async () => {
    const server = await startServer(port, '--dir', folder);
    const client = await connectTo(port);
    await client.command('SET', 'k', 'kept');
    expect((await server.kill('SIGTERM')).code).toBe(0);
    expect(server.stdout).toContain('* DB saved on disk\n');
    const second = await startServer(port, '--dir', folder);
    const again = await connectTo(port);
    expect(await again.command('GET', 'k')).toBe('kept');
    await expect(again.command('SHUTDOWN', 'NOSAVE')).rejects.toMatchObject({ code: 'CLOSED' });
    expect((await second.ended).code).toBe(0);
  });

  test('survives a hangup and a log that nobody reads any more', async () => {
    const server = await startServer(port, '--loglevel', 'debug');
    const client = await connectTo(port);
    await client.command('SET', 'k', 'kept');
    server.child.stdout!.destroy();
    server.child.kill('SIGHUP');
    for (let i = 0; i < 3; i++)
      await (await connectTo(port)).command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    const later = await connectTo(port);
    expect(await later.command('GET', 'k')).toBe('kept');
    await later.close();
  });
});

describe('files', () => {
  test('CONFIG REWRITE keeps comments and order, wherever the working directory is', async () => {
    mkdirSync(join(folder, 'data'));
    writeConfig('# first', `port ${port}`, 'dir ./data', '', '# memory', 'maxmemory 1mb', 'include more.conf');
    writeFileSync(join(folder, 'more.conf'), 'timeout 100\n');
    const server = new Daemon('dist/bin/cache-server.js', ['redis.conf'], folder);
    await server.says(/Ready to accept connections/);
    const client = await connectTo(port);
    expect(await client.command('CONFIG', 'GET', 'dir')).toEqual(['dir', join(folder, 'data')]);
    expect(await client.command('INFO', 'server')).toContain(`config_file:${join(folder, 'redis.conf')}\r\n`);
    expect(await client.command('CONFIG', 'SET', 'maxmemory', '3mb', 'maxclients', '50')).toBe('OK');
    expect(await client.command('CONFIG', 'REWRITE')).toBe('OK');
    const text = readFileSync(join(folder, 'redis.conf'), 'utf8');
    expect(text).toContain(`# first\nport ${port}\ndir `);
    expect(text).toContain('\n# memory\nmaxmemory 3mb\ninclude more.conf\n');
    expect(text).toMatch(/^maxclients 50$/m);
    expect(existsSync(join(folder, 'data', 'redis.conf'))).toBe(false);
    await client.close();
    await server.kill('SIGTERM');
    const again = new Daemon('dist/bin/cache-server.js', ['redis.conf'], folder);
    await again.says(/Ready to accept connections/);
    const client2 = await connectTo(port);
    expect(await client2.command('CONFIG', 'GET', 'maxclients')).toEqual(['maxclients', '50']);
    await client2.close();
  });

  test('logs to a file', async () => {
    const log = join(folder, 'server.log');
    const server = new Daemon('dist/bin/cache-server.js', ['--port', String(port), '--logfile', log]);
    while (!existsSync(log) || !readFileSync(log, 'utf8').includes('Ready to accept connections')) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await server.kill('SIGTERM');
    expect(readFileSync(log, 'utf8')).toMatch(/bye bye\.\.\.\n$/);
    expect(server.stdout).toBe('');
  });

  test.skipIf(!existsSync(DEBIAN_CONFIG))("starts from Debian's redis.conf", async () => {
    const own: Readonly<Record<string, string>> = {
      port: String(port),
      daemonize: 'no',
      pidfile: join(folder, 'redis.pid'),
      logfile: '""',
      dir: folder,
    };
    const lines = readFileSync(DEBIAN_CONFIG, 'utf8').split('\n');
    const file = writeConfig(
      ...lines.map((line) => {
        const [name] = line.split(' ');
        return Object.hasOwn(own, name) ? `${name} ${own[name]}` : line;
      }),
    );
    const server = new Daemon('dist/bin/cache-server.js', [file]);
    await server.says(/Ready to accept connections/);
    const client = await connectTo(port);
    expect(await client.command('SET', 'k', 'v')).toBe('OK');
    expect(await client.command('CONFIG', 'GET', 'tcp-backlog')).toEqual(['tcp-backlog', '511']);
    expect(await client.command('CONFIG', 'REWRITE')).toBe('OK');
    expect(readFileSync(file, 'utf8').split('\n').length).toBeGreaterThanOrEqual(lines.length);
    await client.close();
  });
});
