/**
 * ConfigAuthority: the one holder of the state, who makes changes happen in order.
 *
 * A proposal is applied to the state that the former proposal left, saved, and only then adopted and announced: what
 * a proxy has ever heard of survives a crash. Proposals wait for each other, because each one's answer depends on the
 * one before. On one node that is a chain of promises; with a replicated log it will be the log, behind this door.
 *
 * Announces each new view by the event `view`, after it is durable, in the order of versions.
 */
import { EventEmitter } from 'eventemitter3';
import type { Clock } from '../base';
import type { ClusterView } from '../slots';
import type { Acceptance, ConfigCommand, ConfigEvent, ConfigState, Refusal } from './state';
import type { ViewStore } from './view-file';

export interface AuthorityEvents {
  view: (view: ClusterView, event: ConfigEvent) => void;
}

export class ConfigAuthority extends EventEmitter<AuthorityEvents> {
  private tail: Promise<unknown> = Promise.resolve();

  private constructor(
    private readonly clock: Clock,
    private readonly store: ViewStore,
    private current: ConfigState,
  ) {
    super();
  }

  /** Takes up what the store holds. @throws CacheError BAD_VIEW where that is damaged. */
  static async open(clock: Clock, store: ViewStore): Promise<ConfigAuthority> {
    return new ConfigAuthority(clock, store, await store.load());
  }

  /** The last state that is durable. */
  get state(): ConfigState {
    return this.current;
  }

  /**
   * Carries out a command after all that were proposed before; resolves when it is durable, or with why it was
   * refused. Rejects with the store's error where it could not be saved: then the state is as before, and
   * later proposals go on.
   * @param by who asks, for the history
   */
  propose(command: ConfigCommand, by: string): Promise<Acceptance | Refusal> {
    const outcome = this.tail.then(() => this.carryOut(command, by));
    this.tail = outcome.catch(() => undefined);
    return outcome;
  }

  /** Resolves when all that was proposed so far is saved or has failed. */
  async settled(): Promise<void> {
    await this.tail;
  }

  private async carryOut(command: ConfigCommand, by: string): Promise<Acceptance | Refusal> {
    const result = this.current.apply(command, { atMs: this.clock.wallMs(), by });
    if (!result.accepted) return result;
    await this.store.save(result.state);
    this.current = result.state;
    this.emit('view', result.state.view, result.event);
    return result;
  }
}
