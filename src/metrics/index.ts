/**
 * metrics: what nodes count and how they tell it. `TrafficStatistics` to extend and count with, `infoText` for INFO.
 */
export { ErrorCounts } from './error-counts';
export { fixed, human, infoText, type Fields, type Section, type Sections } from './info';
export {
  byteRateFields,
  clientMemory,
  cpuFields,
  errorFields,
  limitFields,
  ownFields,
  serverFields,
  trafficFields,
  turnFields,
  turnRateFields,
  type NodeFacts,
} from './info-fields';
export { Rate, RATE_SAMPLE_EVERY_MS } from './rate';
export { TrafficStatistics } from './traffic';
