/** Clients of the services that the routes in force lead to: made when they are asked first, closed when no route is left. */
import { createServiceClient, type ServiceClient, type ServiceClientOptions } from '@daybook/discovery';

export interface ServiceClients {
  /** One for each of these services, and for no other. */
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
