/**
 * Places: which place in which group a run of a process has, by the state.
 *
 * Every data node asks ten times a second, and the answer changes with the state only: so it is laid out once per state. The state is
 * immutable, and what was laid out is asked for by the state it was made of; an answer is never older than the state that it is asked of.
 */
import type { Group } from '../slots';
import type { ConfigState } from './state';

/** A member of a group, by the run of its process. */
export interface Place {
  /** `host:port`, as in the view. */
  readonly id: string;
  readonly group: Group;
}

export class Places {
  private members: ConfigState['members'] | null = null;
  private view: ConfigState['view'] | null = null;
  private readonly byRun = new Map<string, Place>();

  /** The place of that run; null where it has none. */
  of({ members, view }: ConfigState, runId: string): Place | null {
    if (members !== this.members || view !== this.view) this.layOut(members, view);
    return this.byRun.get(runId) ?? null;
  }

  private layOut(members: ConfigState['members'], view: ConfigState['view']): void {
    this.members = members;
    this.view = view;
    this.byRun.clear();
    for (const group of view.groups) {
      for (const { id } of group.members) {
        const runId = members.get(id)?.runId ?? '';
        if (runId !== '' && !this.byRun.has(runId)) this.byRun.set(runId, { id, group });
      }
    }
  }
}
