/** views: how proxies and data nodes follow the control plane: a standing link, views that are pushed, a lease that is renewed. */
export { type Connect, type Words } from './conversation';
export { Lease } from './lease';
export { connectAsSet, followerSettings, isAddress } from './settings';
export { ViewLink, type ViewFollower } from './view-link';
