/**
 * failover: who is down, who is to be master, and when a change of master is safe; as pure rules over time that is passed in.
 * `Detector` judges health, `LeaseTable` keeps the fence, `FailoverMachine` walks one change of master from decision to decision.
 */
export { chooseReplica, type Candidate, type ChoiceRules } from './choose';
export { Detector, type DetectorRules, type DownOpinion, type DownReason, type OpinionsOfOne } from './detector';
export { withEra, type Era, type Lineage } from './lineage';
export { CLOCK_RATE_MARGIN, LeaseTable } from './lease-table';
export {
  FailoverMachine,
  type FailoverPhase,
  type FailoverPlan,
  type FailoverWork,
  type Surroundings,
} from './machine';
export { whyNotNow, type FailoverOccasion, type FailoverPolicy } from './policy';
export { holdsData, mayReturn } from './returning';
export { positionOf, type MemberReport, type Position } from './report';
export type { MemberSight, Sighting } from './sight';
