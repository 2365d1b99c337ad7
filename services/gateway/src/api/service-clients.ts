/**
 * Keeps one client for each service that a route leads to. A client is created at its first use. It is closed when no
 * route leads to its service.
 */
import { createServiceClient, type ServiceClient, type ServiceClientOptions } from '@daybook/discovery';

export interface ServiceClients {
  /** Returns one client for each of these services, and closes all other clients. */
  of(services: readonly string[]): readonly { readonly service: string; readonly client: ServiceClient }[];
  close(): Promise<void>;
}

export function createServiceClients(options: Omit<ServiceClientOptions, 'serviceId'>): ServiceClients {
  const clients = new Map<string, ServiceClient>();

  function clientOf(service: string): ServiceClient {
    const client = clients.get(service) ?? createServiceClient({ ...options, serviceId: service });
    clients.set(service, client);
    return client;
  }

  return {
    of(services) {
      for (const [service, client] of clients) {
        if (services.includes(service)) continue;
        clients.delete(service);
        void client.close();
      }
      return services.map((service) => ({ service, client: clientOf(service) }));
    },
    async close() {
      await Promise.all([...clients.values()].map((client) => client.close()));
    },
  };
}
