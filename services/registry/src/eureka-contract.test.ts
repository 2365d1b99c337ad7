import { createLogger } from '@daybook/service';
import { registryUsers } from '@daybook/testing';
import { describeEurekaClient } from '@daybook/testing/eureka-contract';
import { onTestFinished } from 'vitest';
import { buildApp } from './app.ts';

describeEurekaClient('our registry', async () => {
  const app = await buildApp({ logger: createLogger({ level: 'silent' }), users: registryUsers });
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  onTestFinished(() => app.close());
  return { url: `${url}/eureka` };
});
