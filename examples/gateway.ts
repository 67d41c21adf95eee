/**
 * A gateway of one's own from single modules: resp + slots + commands + net. This one reads commands, counts which slots
 * their keys belong to, and answers everything itself; where it says `reply.ok()`, another one would forward
 * `parser.buffer` from `commandStart` to `commandEnd`, the bytes as they came.
 */
import { Output, realTimers } from 'slotcache/base';
import { commands, findKeys, KeyPositions } from 'slotcache/commands';
import { Client, listen, Turn, type Connection, type ConnectionHandler } from 'slotcache/net';
import { COMMAND, CommandParser, defaultProtocolLimits, NEED_MORE, ReplyWriter } from 'slotcache/resp';
import { slotOfBytes } from 'slotcache/slots';

export async function run(log: (line: string) => void): Promise<void> {
  const turn = new Turn(realTimers);
  const limits = defaultProtocolLimits();
  const keys = new KeyPositions();

  const accept = (connection: Connection): ConnectionHandler => {
    const parser = new CommandParser(limits);
    const out = new Output();
    const reply = new ReplyWriter(out);
    const flushable = { inTurn: false, flush: () => out.flush(connection) };
    return {
      received(buffer, start, end) {
        parser.feed(buffer, start, end);
        let answer = parser.next();
        for (; answer === COMMAND; answer = parser.next()) {
          const spec = commands.find(parser.buffer, parser.starts[0], parser.ends[0]);
          if (spec === null) {
            reply.error('ERR unknown command');
            continue;
          }
          const count = findKeys(spec, parser, keys);
          for (let i = 0; i < count; i++) {
            const at = keys.positions[i];
            log(`${spec.name} slot ${slotOfBytes(parser.buffer, parser.starts[at], parser.ends[at])}`);
          }
          reply.ok();
        }
        if (answer !== NEED_MORE) reply.error(`ERR ${parser.errorText}`);
        turn.join(flushable);
      },
      closed: () => out.clear(),
    };
  };

  const listener = await listen({ host: '127.0.0.1', port: 0 }, {}, accept);
  const client = await Client.connect(listener.address, realTimers);
  log(String(await client.command('SET', 'user:1', 'Ada')));
  log(String(await client.command('MGET', '{user}:1', '{user}:2')));
  await client.close();
  await listener.close();
}

// prints:
// SET slot 642
// OK
// MGET slot 585
// MGET slot 585
// OK
