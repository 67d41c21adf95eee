import { expect, test } from 'vitest';
import { ClusterView, SlotRouter, type SlotId } from '../../src/slots';
import { member } from './views';

const slot = (number: number): SlotId => number as SlotId;

const view = ClusterView.empty
  .withGroup(1)
  .withMember(1, member(1, 'master', 'a'))
  .withMember(1, member(2, 'replica', 'b'))
  .withMember(1, member(3, 'replica', 'b'))
  .withSlots(0, 511, 1);

test('routes by the owner of the slot', () => {
  const router = new SlotRouter(view);
  expect(router.masterOf(slot(0))?.id).toBe('10.0.0.1:1');
  expect(router.groupOf(slot(511))).toBe(view.group(1));
  expect(router.masterOf(slot(512))).toBeNull();
  expect(router.groupOf(slot(512))).toBeNull();
  expect(router.readFrom(slot(512), 'a')).toBeNull();
});

test('accepts only newer views', () => {
  const router = new SlotRouter();
  expect(router.masterOf(slot(0))).toBeNull();
  expect(router.accept(view)).toBe(true);
  const newer = view.withMaster(1, '10.0.0.1:2');
  expect(router.accept(newer)).toBe(true);
  expect(router.masterOf(slot(0))?.id).toBe('10.0.0.1:2');
  expect(router.accept(view)).toBe(false);
  expect(router.accept(ClusterView.parse(newer.toJSON()))).toBe(false);
  expect(router.view).toBe(newer);
  expect(router.accept(newer.withSlots(0, 511, -1))).toBe(true);
  expect(router.masterOf(slot(0))).toBeNull();
});

test('reads in the zone where it can, from the same member for the same slot', () => {
  const router = new SlotRouter(view);
  const readers: (string | undefined)[] = [];
  for (let number = 0; number < 512; number++) {
    expect(router.readFrom(slot(number), 'a')?.id).toBe('10.0.0.1:1');
    expect(router.readFrom(slot(number), 'elsewhere')?.id).toBe('10.0.0.1:1');
    const reader = router.readFrom(slot(number), 'b');
    expect(reader?.zone).toBe('b');
    expect(router.readFrom(slot(number), 'b')).toBe(reader);
    readers.push(reader?.id);
  }
  expect(readers.filter((id) => id === '10.0.0.1:2').length).toBe(256);
});
