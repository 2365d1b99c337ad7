export { type Balancer, type BalancerOptions, createBalancer, type Selection } from './balancing/balancer.ts';
export type { ServiceResponse } from './client/attempt.ts';
export { createRetryBudget, type RetryBudget } from './client/retry-budget.ts';
export {
  createServiceClient,
  type GetOptions,
  type ServiceClient,
  type ServiceClientOptions,
} from './client/service-client.ts';
export { createDialRules, DialForbidden, type DialRules } from './dial-rules.ts';
export type { Discovery, Instance } from './discovery.ts';
export { createEurekaClient, type EurekaClient, type EurekaClientOptions } from './eureka/eureka-client.ts';
export type { LocalInstance, LocalStatus } from './eureka/eureka-instance.ts';
export { isServerUrl } from './eureka/registry-connection.ts';
export * from './eureka/registry-users.ts';
