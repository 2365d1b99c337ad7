/** Calls another service on a working instance, within a deadline, without adding load during an outage. */
import { Refusal } from '@daybook/contracts';
import {
  BulkheadRejectedError,
  bulkhead,
  ExponentialBackoff,
  handleWhen,
  retry,
  TaskCancelledError,
  TimeoutStrategy,
  timeout,
  wrap,
} from 'cockatiel';
import type { Logger } from 'pino';
import type { Balancer, Selection } from '../balancing/balancer.ts';
import type { Discovery } from '../discovery.ts';
import { codeOf } from '../log.ts';
import {
  AttemptFailure,
  createAgent,
  type ServiceRequest,
  type ServiceResponse,
  sendTo,
  UnusableResponse,
} from './attempt.ts';
import { createBreakers, type TrackedAttempt } from './breakers.ts';
import { createRetryBudget } from './retry-budget.ts';

export interface ServiceClientOptions {
  /** Lower case: `patient-service`. */
  serviceId: string;
  discovery: Discovery;
  balancer: Balancer;
  logger: Logger;
  /** For all attempts together and the wait in the queue. */
  deadlineMillis?: number;
  attemptTimeoutMillis?: number;
  /** Concurrent calls. Beyond this number calls queue, and beyond the queue they are rejected immediately. */
  maxConcurrent?: number;
}

export interface GetOptions {
  headers?: Readonly<Record<string, string>>;
  signal?: AbortSignal;
}

export interface PostOptions extends GetOptions {
  body: string;
}

export interface ServiceClient {
  /**
   * Returns the response if its status is below 500. Any other outcome throws `Refusal('service-unavailable')`. `path`
   * has a leading slash and is encoded.
   */
  get(path: string, options?: GetOptions): Promise<ServiceResponse>;
  /** As `get`. Another instance may get the same request after a failure, so it must be harmless to send it twice. */
  post(path: string, options: PostOptions): Promise<ServiceResponse>;
  /** Waits for running calls, which their deadline bounds, and closes the connections. */
  close(): Promise<void>;
}

class NoInstance extends Error {
  override readonly name = 'NoInstance';
}

const MAX_ATTEMPTS = 3;
/** The queue for a burst, within the deadline. Further calls are rejected immediately. */
const QUEUED_PER_RUNNING = 10;
const BACKOFF = new ExponentialBackoff({ initialDelay: 20, maxDelay: 200 });
const EXPECTED = [AttemptFailure, UnusableResponse, NoInstance, TaskCancelledError, BulkheadRejectedError];

interface StartedAttempt extends Selection {
  readonly tracked: TrackedAttempt;
}

export function createServiceClient({
  serviceId,
  discovery,
  balancer,
  logger,
  deadlineMillis = 4_000,
  attemptTimeoutMillis = 2_000,
  maxConcurrent = 100,
}: ServiceClientOptions): ServiceClient {
  const agent = createAgent({ attemptTimeoutMillis, maxConcurrent, dialRules: discovery.dialRules });
  const breakers = createBreakers({ logger });
  const budget = createRetryBudget();
  // Aggressive, because cockatiel's wait between attempts ignores the signal and the deadline must hold. Calls that
  // returned are not aborted, because each abort creates an error with a stack.
  const deadline = timeout(deadlineMillis, { strategy: TimeoutStrategy.Aggressive, abortOnReturn: false });
  // The outer deadline covers the wait in the queue. The inner one frees the permit of a call that ignores the signal.
  const limits = wrap(deadline, bulkhead(maxConcurrent, QUEUED_PER_RUNNING * maxConcurrent), deadline);
  const attemptLimit = timeout(attemptTimeoutMillis, { strategy: TimeoutStrategy.Cooperative, abortOnReturn: false });
  const detail = `The ${serviceId.replace(/-service$/, '').replaceAll('-', ' ')} service is not available.`;

  /** Returns the known instances that this call must skip: already tried, or with an open breaker. */
  function excluded(tried: ReadonlySet<string>): ReadonlySet<string> {
    const known = discovery.instancesOf(serviceId);
    const excludedInstances = known.filter((instance) => tried.has(instance.instanceId) || breakers.blocks(instance));
    return new Set(excludedInstances.map(({ instanceId }) => instanceId));
  }

  const hasAnother = (tried: ReadonlySet<string>): boolean =>
    excluded(tried).size < discovery.instancesOf(serviceId).length;

  async function start(tried: ReadonlySet<string>): Promise<StartedAttempt> {
    if (discovery.instancesOf(serviceId).length === 0) await refreshOnce();
    const found = balancer.pick(serviceId, excluded(tried));
    if (!found) throw new NoInstance('no known instance works');
    // Begins here, before any other call selects an instance, so that a breaker gets one trial.
    return { ...found, tracked: breakers.begin(found.instance, discovery.instancesOf(serviceId)) };
  }

  async function refreshOnce(): Promise<void> {
    try {
      await discovery.refresh();
    } catch (error) {
      throw new NoInstance(`no instance is known, and the list cannot be fetched: ${codeOf(error)}`);
    }
  }

  /** Removes a departed instance from the list before its lease ends. `refresh` lets callers share one fetch. */
  function refreshInBackground(): void {
    discovery.refresh().catch((error: unknown) => {
      logger.warn({ serviceId, code: codeOf(error) }, 'instance list not refreshed');
    });
  }

  async function attempt(request: ServiceRequest, tried: Set<string>, call: AbortSignal): Promise<ServiceResponse> {
    const { instance, release, tracked } = await start(tried);
    tried.add(instance.instanceId);
    try {
      const response = await attemptLimit.execute(
        ({ signal }) => sendTo(agent, instance, request, { attempt: signal, call }),
        call,
      );
      tracked.end();
      return response;
    } catch (error) {
      tracked.end(error);
      if (error instanceof AttemptFailure && error.unreachable) refreshInBackground();
      throw error;
    } finally {
      release();
    }
  }

  function withRetries(request: ServiceRequest, call: AbortSignal): Promise<ServiceResponse> {
    const tried = new Set<string>();
    // Runs after every failure, the last one included, so the call that takes from the budget comes last.
    const mayRetry = () => tried.size < MAX_ATTEMPTS && hasAnother(tried) && budget.tryRetry();
    const policy = retry(
      handleWhen((error) => error instanceof AttemptFailure && !call.aborted && mayRetry()),
      { maxAttempts: MAX_ATTEMPTS - 1, backoff: BACKOFF },
    );
    budget.countRequest();
    return policy.execute(() => attempt(request, tried, call), call);
  }

  async function send(request: ServiceRequest, signal: AbortSignal | undefined): Promise<ServiceResponse> {
    try {
      return await limits.execute((context) => withRetries(request, context.signal), signal);
    } catch (error) {
      if (!(error instanceof Error) || !EXPECTED.some((kind) => error instanceof kind)) throw error;
      logger.warn({ serviceId, reason: error.message }, 'service call failed');
      throw new Refusal('service-unavailable', detail, { retryAfterSeconds: 1 });
    }
  }

  return {
    get: (path, { headers = {}, signal } = {}) => send({ method: 'GET', path, headers }, signal),
    post: (path, { headers = {}, body, signal }) => send({ method: 'POST', path, headers, body }, signal),
    close: () => agent.close(),
  };
}
