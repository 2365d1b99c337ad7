import type { DialRules } from './dial-rules.ts';

/** One running copy of a service, as its callers see it. */
export interface Instance {
  readonly instanceId: string;
  /** Lower case: `patient-service`. */
  readonly serviceId: string;
  /** Where to reach it, without a trailing slash: `http://127.0.0.1:41234`. */
  readonly url: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Who is where. Answers come from a local copy that is kept fresh in the background. */
export interface Discovery {
  /** The instances that are UP. Never does I/O; an empty list when none is known. */
  instancesOf(serviceId: string): readonly Instance[];
  /** Fetches the list now. Callers at the same time share one fetch; a failure keeps what was known and throws. */
  refresh(): Promise<void>;
  /** Decides which addresses callers of these instances may dial. */
  readonly dialRules: DialRules;
}
