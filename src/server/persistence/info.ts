/**
 * The section "persistence" of INFO: Redis' fields. What it says of forks and their copies is said of snapshots and their
 * pre-images, which are all the memory that they take.
 */
import { fixed, type Fields } from '../../metrics';
import type { DataNode } from '../data-node';

export function persistenceFields(node: DataNode): Fields {
  const { persistence } = node;
  const { appendOnly, saves, rewrites } = persistence;
  const run = saves.running ?? rewrites.running;
  const isHealthy = appendOnly.health.failure === null;
  const secondsOf = (beganMs: number): number => Math.floor((node.world.clock.monotonicMs() - beganMs) / 1000);
  return {
    loading: Number(persistence.isLoading),
    async_loading: Number(node.states.isLoadingBeside),
    current_cow_peak: run?.preImageBytes ?? 0,
    current_cow_size: run?.preImageBytes ?? 0,
    current_cow_size_age: 0,
    current_fork_perc: fixed(run === null || run.keysTotal === 0 ? 0 : (run.keysDone * 100) / run.keysTotal),
    current_save_keys_processed: run?.keysDone ?? 0,
    current_save_keys_total: run?.keysTotal ?? 0,
    rdb_changes_since_last_save: saves.unsavedChanges,
    rdb_bgsave_in_progress: Number(saves.running !== null),
    rdb_last_save_time: saves.lastSavedAt,
    rdb_last_bgsave_status: status(!saves.hasFailed),
    rdb_last_bgsave_time_sec: saves.lastSeconds,
    rdb_current_bgsave_time_sec: saves.running === null ? -1 : secondsOf(saves.running.beganMs),
    rdb_saves: saves.count,
    rdb_last_cow_size: saves.lastPreImageBytes,
    rdb_last_load_keys_expired: persistence.lastKeysExpired,
    rdb_last_load_keys_loaded: persistence.lastKeysLoaded,
    aof_enabled: Number(appendOnly.state !== 'off'),
    aof_rewrite_in_progress: Number(rewrites.isBusy),
    aof_rewrite_scheduled: Number(rewrites.isScheduled),
    aof_last_rewrite_time_sec: rewrites.lastSeconds,
    aof_current_rewrite_time_sec: rewrites.beganMs === null ? -1 : secondsOf(rewrites.beganMs),
    aof_last_bgrewrite_status: status(!rewrites.hasFailed),
    aof_rewrites: rewrites.count,
    aof_rewrites_consecutive_failures: rewrites.consecutiveFailures,
    aof_last_write_status: status(isHealthy),
    aof_last_cow_size: rewrites.lastPreImageBytes,
    module_fork_in_progress: 0,
    module_fork_last_cow_size: 0,
    ...(appendOnly.state === 'off' ? {} : appendOnlyFields(node)),
    ...loadingFields(node),
  };
}

function appendOnlyFields({ persistence }: DataNode): Fields {
  const { appendOnly, rewrites } = persistence;
  return {
    aof_current_size: appendOnly.currentBytes,
    aof_base_size: appendOnly.baseBytes,
    aof_pending_rewrite: Number(rewrites.isScheduled),
    aof_buffer_length: appendOnly.pendingBytes,
    aof_pending_bio_fsync: Number(appendOnly.isSyncUnderWay),
    aof_delayed_fsync: appendOnly.delayedSyncs,
  };
}

function loadingFields({ persistence }: DataNode): Fields {
  const { loading } = persistence;
  if (loading === null) return {};
  const { loadedBytes, totalBytes } = loading;
  return {
    loading_start_time: loading.startedAt,
    loading_total_bytes: totalBytes,
    loading_rdb_used_mem: loading.rdbUsedBytes,
    loading_loaded_bytes: loadedBytes,
    loading_loaded_perc: fixed(totalBytes === 0 ? 0 : (loadedBytes * 100) / totalBytes),
    loading_eta_seconds: loading.etaSeconds,
  };
}

function status(isGood: boolean): string {
  return isGood ? 'ok' : 'err';
}
