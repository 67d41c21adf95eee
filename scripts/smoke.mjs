/**
 * Tries the package as somebody who installs it would: packs it, installs the tarball in an empty project, imports every
 * room as ESM and as CommonJS, starts the binaries and speaks to them. Run under the Node that is to be tried.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const manifest = JSON.parse(readFileSync('package.json', 'utf8'));
const project = mkdtempSync(join(tmpdir(), 'slotcache-smoke-'));
process.on('exit', () => rmSync(project, { recursive: true, force: true }));

const npm = (args, cwd) => execFileSync('npm', args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
const [{ filename }] = JSON.parse(npm(['pack', '--json', '--pack-destination', project], '.'));
writeFileSync(join(project, 'package.json'), '{ "private": true }');
npm(['install', '--no-audit', '--no-fund', join(project, filename)], project);

let passed = 0;
const failures = [];
async function check(name, run) {
  try {
    await run();
    passed++;
    console.log(`ok   ${name}`);
  } catch (error) {
    failures.push(name);
    console.error(`FAIL ${name}: ${error.stack}`);
  }
}

const doors = Object.keys(manifest.exports).filter((door) => door !== './package.json');
for (const door of doors) {
  const name = door.replace('.', manifest.name);
  for (const [kind, flags] of [
    ['ESM', ['--input-type=module', '-e', `const m = await import('${name}'); if (!Object.keys(m).length) throw 0`]],
    ['CommonJS', ['-e', `if (!Object.keys(require('${name}')).length) throw 0`]],
  ]) {
    await check(`${kind} import of ${name}`, () => execFileSync(process.execPath, flags, { cwd: project }));
  }
}

/** Sends inline commands and returns what comes back until the connection closes. */
async function converse(port, text) {
  const socket = connect(port, '127.0.0.1');
  socket.write(`${text}\r\nQUIT\r\n`);
  let reply = '';
  socket.on('data', (chunk) => (reply += chunk));
  await once(socket, 'close');
  return reply;
}

async function withDaemon(binary, args, use) {
  const path = resolve(project, 'node_modules/.bin', binary);
  const child = spawn(process.execPath, [path, ...args], { cwd: project, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  try {
    let log = '';
    for await (const chunk of child.stdout) {
      log += chunk;
      if (/Ready to accept connections/.test(log)) break;
    }
    assert.match(log, new RegExp(` PID: ${child.pid}[^]*Server initialized[^]*Ready to accept connections`));
    await use();
  } finally {
    child.kill('SIGTERM');
    assert.equal((await ended)[0], 0, 'exit code after SIGTERM');
  }
}

const base = 20000 + Math.floor(Math.random() * 20000);
const [server, config, proxy] = [base, base + 1, base + 2].map(String);
for (const binary of Object.keys(manifest.bin)) {
  await check(`${binary} --version`, () => {
    const path = resolve(project, 'node_modules/.bin', binary);
    assert.match(execFileSync(process.execPath, [path, '--version'], { encoding: 'utf8' }), /\d+\.\d+\.\d+/);
    assert.match(execFileSync(process.execPath, [path, '--help'], { encoding: 'utf8' }), /Usage/);
  });
}
await check('a client reaches cache-server through cache-proxy by the view of cache-config', () =>
  withDaemon('cache-server', ['--port', server, '--save', ''], () =>
    withDaemon('cache-config', ['--port', config, '--dir', project], async () => {
      const setUp = `GROUP CREATE 1\r\nGROUP ADD 1 127.0.0.1 ${server}\r\nSLOTS SPREAD 1`;
      assert.match(await converse(config, setUp), /:1\r\n:2\r\n:3\r\n/);
      await withDaemon('cache-proxy', ['--port', proxy, '--config-servers', `127.0.0.1:${config}`], async () => {
        assert.equal(await converse(proxy, 'SET key value\r\nGET key'), '+OK\r\n$5\r\nvalue\r\n+OK\r\n');
      });
    }),
  ),
);

console.log(`Node ${process.version}`);
console.log(`${passed} passed, ${failures.length} failed`);
process.exit(failures.length === 0 ? 0 : 1);
