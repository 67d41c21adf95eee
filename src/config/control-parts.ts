/**
 * The parts of a config server that watch and act, put together.
 *
 * In this order they are told what happens: who watches first, then who grants, then who acts on both.
 */
import type { ControlHost, ControlParts } from './control-host';
import { FailoverDriver } from './failover-driver';
import { LeaseBook } from './lease-book';
import { Monitor } from './monitor';
import { Reconciler } from './reconciler';

/** Makes them for a host; they are started later. */
export function controlParts(host: ControlHost): ControlParts {
  const monitor = new Monitor(host);
  const leases = new LeaseBook(host);
  const driver = new FailoverDriver(host, monitor, leases);
  const reconciler = new Reconciler(host, monitor);
  return { monitor, leases, driver, all: [monitor, leases, driver, reconciler] };
}
