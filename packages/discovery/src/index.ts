export type { ServiceAnswer } from './attempt.ts';
export { type Balancer, type BalancerOptions, createBalancer, type Lease } from './balancer.ts';
export { createDialRules, DialForbidden, type DialRules } from './dial-rules.ts';
export type { Discovery, Instance } from './discovery.ts';
export { createEurekaClient, type EurekaClient, type EurekaClientOptions } from './eureka-client.ts';
export type { LocalInstance, LocalStatus } from './eureka-instance.ts';
export { createLoop, type Loop, type LoopOptions } from './loop.ts';
export { isServerUrl } from './registry-connection.ts';
export * from './registry-users.ts';
export { createRetryBudget, type RetryBudget } from './retry-budget.ts';
export {
  createServiceClient,
  type GetOptions,
  type ServiceClient,
  type ServiceClientOptions,
} from './service-client.ts';
export type { Timers } from './timers.ts';
