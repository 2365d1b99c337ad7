/** What the code says of itself, asked of a system that runs for this. */
import { startEverything } from '@daybook/launcher';
import { createInProcessBus, type InProcessBus, type Subscription } from '@daybook/messaging';
import { createLogger } from '@daybook/service';

export interface SelfDescription {
  /** The API document, as the gateway serves it. */
  readonly openApi: string;
  /** Who acts on which events. */
  readonly subscriptions: readonly Subscription[];
}

function noteSubscriptions(): { bus: InProcessBus; subscriptions: Subscription[] } {
  const bus = createInProcessBus();
  const subscriptions: Subscription[] = [];
  const subscribe = (subscription: Subscription) => {
    subscriptions.push(subscription);
    return bus.subscribe(subscription);
  };
  return { bus: { ...bus, subscribe }, subscriptions };
}

/** `data` is an empty folder. */
export async function askRunningSystem(data: string): Promise<SelfDescription> {
  const config = { DAYBOOK_DATA: data, DAYBOOK_DEMO: 'off', LOG_LEVEL: 'warn' } as const;
  const environment = { DAYBOOK_DATA: data, DAYBOOK_PORT: '0' };
  const logger = createLogger({ level: 'warn', pretty: false });
  const { bus, subscriptions } = noteSubscriptions();
  const system = await startEverything(config, environment, logger, bus);
  try {
    const answer = await fetch(`${system.url}/openapi.json`, { signal: AbortSignal.timeout(10_000) });
    if (!answer.ok) throw new Error(`the gateway answered ${answer.status}`);
    return { openApi: JSON.stringify(await answer.json(), null, 2), subscriptions };
  } finally {
    await system.close();
  }
}
