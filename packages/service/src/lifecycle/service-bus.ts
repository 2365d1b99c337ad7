import { type Bus, InvalidBrokerUrl, type Subscription } from '@daybook/messaging';
import { EXIT } from './exit-codes.ts';
import type { HostProcess } from './host-process.ts';
import { StartFailure } from './start-failure.ts';

/**
 * Returns the host with the service's bus, which is RabbitMQ if `amqpUrl` names a broker. Connects to an unavailable
 * broker in the background. The bus closes with `resources`.
 * @throws StartFailure 78 when the address is invalid
 */
export async function withServiceBus(
  host: HostProcess,
  amqpUrl: string | undefined,
  name: string,
  resources: AsyncDisposableStack,
): Promise<HostProcess> {
  if (amqpUrl === undefined) return host;
  // Loaded on use only, because most starts do not need it.
  const { createRabbitBus } = await import('@daybook/messaging/rabbitmq');
  try {
    const bus = createRabbitBus({ url: amqpUrl, name, service: name.replace(/-service$/, ''), logger: host.logger });
    resources.defer(() => bus.close());
    return { ...host, bus, relaysEvents: true };
  } catch (error) {
    if (!(error instanceof InvalidBrokerUrl)) throw error;
    throw new StartFailure(EXIT.configuration, `Wrong configuration: AMQP_URL ${error.message}.`, { cause: error });
  }
}

/** Subscribes consumers to the bus. Their subscriptions close with `resources`. */
export async function subscribeAll(
  bus: Pick<Bus, 'subscribe'>,
  consumers: readonly Subscription[],
  resources: AsyncDisposableStack,
): Promise<void> {
  for (const consumer of consumers) {
    const subscription = await bus.subscribe(consumer);
    resources.defer(() => subscription.close());
  }
}
