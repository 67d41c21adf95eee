/** Simulation: disks, networks, clocks and clusters that a seed decides, and the checks of what they promise. */
export { SimulatedDisk, type DiskOptions } from './disk';
export { DiskCrash, type Deed } from './disk-faults';
export { isLinearizable, type RegisterOperation } from './linearizability';
export { SimulatedMachine } from './simulated-machine';
export { FAIR_WEATHER, SimulatedNetwork, type NetworkWeather } from './simulated-network';
export { SimulatedTime, type Planned } from './simulated-time';
export { PROBES, simulate, STAGES, type Stage, type Verdict } from './simulation';
export { Violation } from './violation';
