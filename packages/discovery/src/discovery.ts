import type { DialRules } from './dial-rules.ts';

/** One running instance of a service, as its callers see it. */
export interface Instance {
  readonly instanceId: string;
  /** Lower case: `patient-service`. */
  readonly serviceId: string;
  /** The base URL, without a trailing slash: `http://127.0.0.1:41234`. */
  readonly url: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Looks up instances in a local copy that is refreshed in the background. */
export interface Discovery {
  /** Returns the instances that are UP, or an empty list when none is known. Never does I/O. */
  instancesOf(serviceId: string): readonly Instance[];
  /** Fetches the list now. Concurrent callers share one fetch. A failure throws and keeps the old list. */
  refresh(): Promise<void>;
  /** The addresses that callers of these instances may dial. */
  readonly dialRules: DialRules;
}
