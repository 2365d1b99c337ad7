/** All services by name, each loaded when it starts. */
import {
  checkConfigurations,
  type Environment,
  type HostProcess,
  type RunningService,
  type ServiceModule,
} from '@daybook/service';

export const services = {
  registry: () => import('@daybook/registry-service'),
  identity: () => import('@daybook/identity-service'),
  patient: () => import('@daybook/patient-service'),
  doctor: () => import('@daybook/doctor-service'),
  appointment: () => import('@daybook/appointment-service'),
  notification: () => import('@daybook/notification-service'),
  gateway: () => import('@daybook/gateway-service'),
} as const satisfies Record<string, () => Promise<ServiceModule>>;

export type ServiceName = keyof typeof services;

export const serviceNames = Object.keys(services) as ServiceName[];

export const isServiceName = (name: string): name is ServiceName => name in services;

export async function startService(name: ServiceName, host: HostProcess): Promise<RunningService> {
  const { start } = await services[name]();
  return start(host);
}

/**
 * Checks configurations before any start.
 * @throws InvalidConfiguration naming every invalid variable of all services to start
 */
export async function checkServices(
  names: readonly ServiceName[],
  environment: Environment,
  readers: readonly (() => unknown)[],
): Promise<void> {
  const modules = await Promise.all(names.map((name) => services[name]()));
  checkConfigurations([
    ...readers,
    ...modules.map(
      ({ readConfig }) =>
        () =>
          readConfig(environment),
    ),
  ]);
}
