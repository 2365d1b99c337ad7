/** Every service by name, loaded when it is started. This list is the topology. */
import type { StartService } from '@daybook/service';

type Load = () => Promise<{ start: StartService }>;

export const services = {
  registry: () => import('@daybook/registry-service'),
  patient: () => import('@daybook/patient-service'),
  doctor: () => import('@daybook/doctor-service'),
  appointment: () => import('@daybook/appointment-service'),
  notification: () => import('@daybook/notification-service'),
  gateway: () => import('@daybook/gateway-service'),
} as const satisfies Record<string, Load>;

export type ServiceName = keyof typeof services;

export const serviceNames = Object.keys(services) as ServiceName[];

export const isServiceName = (name: string): name is ServiceName => name in services;
