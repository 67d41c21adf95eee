export { crc32 } from './crc32';
export { SLOT_COUNT, slotOf, slotOfBytes, type SlotId } from './slot-of';
export {
  GROUP_ID_MAX,
  GROUP_MEMBERS_MAX,
  groupId,
  type Engine,
  type Epoch,
  type Group,
  type GroupId,
  type GroupParts,
  type GroupState,
  type Member,
  type MemberParts,
  type Role,
} from './groups';
export { ClusterView, GROUP_NONE } from './view';
export { GROUPS_MAX, VIEW_CHARS_MAX, type SlotRange, type ViewParts } from './view-text';
export { SlotRouter } from './router';
export { planRebalance, spread, type Move } from './rebalance';
