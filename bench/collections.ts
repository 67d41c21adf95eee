/**
 * What does an operation on a collection cost, compared with redis-server?
 *
 * The collections are one hash, set and sorted set of 100 elements, which both servers keep packed in Redis' formats, and one of
 * a million, and as many counters. Elements are drawn at random; additions find that their element is there already, so that sizes stay
 * (growth is another question: `large`). Lists change their length: pushes and pops take turns, the small ones spread over many lists.
 */
import { compete, COST_METHOD, duelColumns, rowOf } from './duel';
import { expectReply } from './gauge';
import { load, Template } from './loader';
import { ServerProcess } from './processes';
import { again, CACHE_SERVER, REDIS_SERVER, startContenders, stopContenders } from './programs';
import { CLIENTS, RANDOM, redisBenchmark, type Load } from './redis-benchmark';
import { circumstances, figure, type Options, type Report, type Target } from './table';

const SMALL = 100;
const LARGE = 1_000_000;
const SMALL_LISTS = 10_000;
const PIPELINE = 16;
/** Such that the cheaper side burns about a second: /proc counts CPU in steps of 10 ms. */
const REQUESTS = 1_000_000;
const QUICK_DIVISOR = 4;
/** Of each command, so that the compiler sees it. */
const WARM_UP_REQUESTS = 200_000;

const CHANGE: Target = { must: 1.2, aim: 0.8 };
const RANGE: Target = { must: 1.5, aim: 1 };
const WHOLE: Target = { must: 1.2, aim: 0.7 };

/** One line of the table. */
interface Trial {
  readonly words: readonly string[];
  /** How many elements the collection has. */
  readonly size: number;
  readonly target: Target;
  /** Below how much the random numbers are, where it is not the size. */
  readonly range?: number;
  /** By how much it costs more than a plain one, about: it gets so many times fewer requests. */
  readonly weight?: number;
}

const TRIALS: readonly Trial[] = [
  ...[SMALL, LARGE].flatMap(changesOf),
  { words: ['ZRANGE', `zset:${LARGE}`, '0', '9'], size: LARGE, target: RANGE, weight: 2 },
  { words: ['ZRANK', `zset:${LARGE}`, `member:${RANDOM}`], size: LARGE, target: RANGE },
  {
    words: ['ZRANGEBYSCORE', `zset:${LARGE}`, RANDOM, 'inf', 'LIMIT', '0', '10'],
    size: LARGE,
    target: RANGE,
    weight: 2,
  },
  { words: ['LRANGE', `list:${LARGE}`, '0', '599'], size: LARGE, target: WHOLE, weight: 20 },
  { words: ['HGETALL', `hash:${SMALL}`], size: SMALL, target: WHOLE, weight: 10 },
  { words: ['SMEMBERS', `set:${SMALL}`], size: SMALL, target: WHOLE, weight: 5 },
];

export async function benchCollections(options: Options): Promise<Report> {
  const ours = options.calibrate ? again(REDIS_SERVER) : CACHE_SERVER;
  const contenders = await startContenders(ours, REDIS_SERVER);
  try {
    for (const server of [contenders.ours, contenders.peer]) {
      if (server === null) continue;
      console.error(`${server.name}: loading`);
      await fill(server);
      for (const trial of TRIALS) await redisBenchmark(server.port, loadOf(trial, WARM_UP_REQUESTS));
    }
    const requests = REQUESTS / (options.quick ? QUICK_DIVISOR : 1);
    const outcomes = await compete(
      contenders,
      TRIALS.map((trial) => loadOf(trial, requests)),
    );
    return {
      name: 'collections',
      title: `${ours.name} and ${REDIS_SERVER.name}: CPU per operation on collections`,
      method: [
        `redis-benchmark: ${CLIENTS} clients, pipeline ${PIPELINE}, random elements of 18 bytes that are there. LPUSH and RPOP of 100: over ${figure(SMALL_LISTS)} lists of that length. INCR: over so many counters.`,
        'A set of 100 is a listpack for cache-server, as for Redis 7.2, and a table for Redis 7.0.',
        COST_METHOD,
        ...(await circumstances([ours, REDIS_SERVER], options)),
      ],
      columns: duelColumns(ours.name, REDIS_SERVER.name),
      rows: outcomes.map((outcome, i) =>
        rowOf(nameOf(TRIALS[i]), outcome, options.calibrate ? null : TRIALS[i].target),
      ),
    };
  } finally {
    await stopContenders(contenders);
  }
}

function changesOf(size: number): Trial[] {
  const [list, range] = size === SMALL ? [`list:${size}:${RANDOM}`, SMALL_LISTS] : [`list:${size}`, size];
  return [
    { words: ['HSET', `hash:${size}`, `field:${RANDOM}`, `value:${RANDOM}`], size, target: CHANGE },
    { words: ['HGET', `hash:${size}`, `field:${RANDOM}`], size, target: CHANGE },
    { words: ['LPUSH', list, `element:${RANDOM}`], size, target: CHANGE, range },
    { words: ['RPOP', list], size, target: CHANGE, range },
    { words: ['SADD', `set:${size}`, `member:${RANDOM}`], size, target: CHANGE },
    { words: ['ZADD', `zset:${size}`, RANDOM, `member:${RANDOM}`], size, target: CHANGE },
    { words: ['INCR', `counter:${RANDOM}`], size, target: CHANGE },
  ];
}

function loadOf({ words, size, range = size, weight = 1 }: Trial, requests: number): Load {
  return { words, requests: requests / weight, pipeline: PIPELINE, range };
}

/** The command with the options and bounds that tell it from others: "ZRANGE 0 9, 1,000,000". */
function nameOf({ words: [command, , ...rest], size }: Trial): string {
  const telling = rest.filter((word) => !word.includes(RANDOM));
  return `${[command, ...telling].join(' ')}, ${figure(size)}`;
}

async function fill(server: ServerProcess): Promise<void> {
  for (const size of [SMALL, LARGE]) {
    const place = (template: Template): Promise<unknown> => load(server.port, template, 0, size, size);
    await place(new Template('HSET', `hash:${size}`, 'field:00000#######', 'value:00000#######'));
    await place(new Template('SADD', `set:${size}`, 'member:00000#######'));
    await place(new Template('ZADD', `zset:${size}`, '00000#######', 'member:00000#######'));
    await place(new Template('SET', 'counter:00000#######', '1'));
    await expectReply(server, `HLEN hash:${size}`, `:${size}`);
    await expectReply(server, `SCARD set:${size}`, `:${size}`);
    await expectReply(server, `ZCARD zset:${size}`, `:${size}`);
  }
  await load(server.port, new Template('RPUSH', `list:${LARGE}`, 'element:00000#######'), 0, LARGE, LARGE);
  const elements = Array.from({ length: SMALL }, (_, i) => `element:${String(i).padStart(12, '0')}`);
  const lists = new Template('RPUSH', `list:${SMALL}:00000#######`, ...elements);
  await load(server.port, lists, 0, SMALL_LISTS, SMALL_LISTS);
  await expectReply(server, `LLEN list:${LARGE}`, `:${LARGE}`);
  await expectReply(server, 'DBSIZE', `:${LARGE + SMALL_LISTS + 7}`);
}
