/** A lease counts from the sending of its renewal, whatever becomes of the answer. */
import * as fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { plant } from '../../src/base/mutants';
import { Lease } from '../../src/views';

afterEach(() => plant(null));

test('it is held from the first renewal on until lease-ms after that was sent, however late the answer came', () => {
  const lease = new Lease();
  expect(lease.isHeld(0)).toBe(false);
  lease.renewed(100, 800, 650);
  expect([lease.isHeld(899), lease.isHeld(900), lease.leftMs(850), lease.leftMs(2000)]).toEqual([true, false, 50, 0]);
});

test('0 ms grant nothing and take nothing away', () => {
  const lease = new Lease();
  lease.renewed(100, 800, 150);
  lease.renewed(200, 0, 250);
  expect(lease.untilMs).toBe(900);
});

test('one that was given up comes back by a renewal only that was sent after that', () => {
  const lease = new Lease();
  lease.renewed(100, 800, 150);
  lease.lapse(300);
  expect(lease.isHeld(301)).toBe(false);
  lease.renewed(299, 800, 310);
  expect(lease.isHeld(311)).toBe(false);
  lease.renewed(300, 800, 320);
  expect(lease.isHeld(321)).toBe(true);
});

interface Renewal {
  readonly sentMs: number;
  readonly delayMs: number;
  readonly leaseMs: number;
}

/** Whether the holder is never sure for longer than the leader takes it for granted: until leaseMs after the sending of some renewal. */
function neverOutlastsItsGrants(): void {
  const renewal = fc.record({
    sentMs: fc.nat(5000),
    delayMs: fc.nat(3000),
    leaseMs: fc.integer({ min: 1, max: 1000 }),
  });
  fc.assert(
    fc.property(fc.array(renewal, { minLength: 1 }), fc.nat(10_000), (renewals: Renewal[], atMs) => {
      const lease = new Lease();
      const arriving = renewals
        .map((each) => ({ ...each, arrivedMs: each.sentMs + each.delayMs }))
        .filter(({ arrivedMs }) => arrivedMs <= atMs)
        .sort((a, b) => a.arrivedMs - b.arrivedMs);
      for (const { arrivedMs, leaseMs, sentMs } of arriving) lease.renewed(sentMs, leaseMs, arrivedMs);
      const grantedUntil = Math.max(-Infinity, ...arriving.map(({ leaseMs, sentMs }) => sentMs + leaseMs));
      return lease.isHeld(atMs) === atMs < grantedUntil;
    }),
    { numRuns: 300 },
  );
}

describe('whatever the order and the delay of the answers', () => {
  test('the holder is sure exactly as long as a renewal that was sent grants', neverOutlastsItsGrants);

  test('and one that counts from the answer would be found', () => {
    plant('lease-counted-from-reply');
    expect(neverOutlastsItsGrants).toThrow('Property failed');
  });
});
