export { SimulatedDisk, type DiskOptions } from './disk';
export { DiskCrash, type Deed } from './disk-faults';
