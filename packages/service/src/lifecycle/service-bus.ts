import { InvalidBrokerUrl } from '@daybook/messaging';
import type { HostProcess } from './host-process.ts';
import { EXIT, StartFailure } from './start-failure.ts';

/**
 * The process as this service has it: with RabbitMQ as its bus where `amqpUrl` names one. A broker that is away is waited
 * for in the background. The bus is closed with `resources`.
 * @throws StartFailure 78 when the address cannot be one
 */
export async function withServiceBus(
  host: HostProcess,
  amqpUrl: string | undefined,
  name: string,
  resources: AsyncDisposableStack,
): Promise<HostProcess> {
  if (amqpUrl === undefined) return host;
  // Loaded only where it is used: most starts do without.
  const { createRabbitBus } = await import('@daybook/messaging/rabbitmq');
  try {
    const bus = createRabbitBus({ url: amqpUrl, name, logger: host.logger });
    resources.defer(() => bus.close());
    return { ...host, bus, relaysEvents: true };
  } catch (error) {
    if (!(error instanceof InvalidBrokerUrl)) throw error;
    throw new StartFailure(EXIT.configuration, `Wrong configuration: AMQP_URL ${error.message}.`, { cause: error });
  }
}
