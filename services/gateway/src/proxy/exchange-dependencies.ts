/** Defines what the exchanges of a gateway share. */
import type { RetryBudget } from '@daybook/discovery';
import type { GatewayAuthentication } from '../authentication/authentication.ts';
import type { Forwarding } from '../http/forwarded.ts';
import type { ClientLimits } from '../resilience/client-limits.ts';
import type { ConcurrencyLimit } from '../resilience/concurrency-limit.ts';
import type { DiscoveryRefresh } from '../upstream/discovery-refresh.ts';
import type { ExchangeReport } from './access-log.ts';
import type { SiteCheck } from './cross-site.ts';
import type { DeadlineWatch } from './deadlines.ts';
import type { InstanceSelectorDependencies } from './instance-selector.ts';

/** An endless response, such as an event stream. */
export interface EndlessStream {
  /** Ends the stream. The client reconnects to another gateway. */
  endStream(): void;
}

/** The shared dependencies of all exchanges. */
export interface ExchangeDependencies extends InstanceSelectorDependencies {
  readonly discoveryRefresh: DiscoveryRefresh;
  readonly forwarding: Forwarding;
  readonly clientLimits: ClientLimits;
  readonly siteCheck: SiteCheck;
  readonly authentication: Pick<GatewayAuthentication, 'authenticate'>;
  readonly deadlineWatch: DeadlineWatch;
  /** Counts an exchange as active until its report. */
  readonly countActive: () => void;
  /** Reports the end of an exchange. */
  readonly report: (report: ExchangeReport) => void;
  /** Returns whether connections close after their response. */
  readonly isDraining: () => boolean;
  /** Returns whether the gateway no longer starts endless streams. */
  readonly isClosing: () => boolean;
  /** The gateway ends them when it closes. */
  readonly streams: Set<EndlessStream>;
}

/** The shared state of the exchanges with one service. */
export interface ServiceState {
  readonly budget: RetryBudget;
  readonly concurrencyLimit: ConcurrencyLimit;
}
