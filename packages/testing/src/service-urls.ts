import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

interface Instance {
  app: string;
  port: { $: number };
}

/** Returns where each service of the system on a data folder listens, by its id: `patient-service`. */
export async function serviceUrls(data: string): Promise<ReadonlyMap<string, string>> {
  const { registryUrl }: { registryUrl: string } = JSON.parse(await readFile(join(data, 'running.json'), 'utf8'));
  const response = await fetch(`${registryUrl}/apps`, {
    headers: { accept: 'application/json' },
    signal: AbortSignal.timeout(5_000),
  });
  const { applications }: { applications: { application: { instance: Instance[] }[] } } = JSON.parse(
    await response.text(),
  );
  const instances = applications.application.flatMap(({ instance }) => instance);
  return new Map(instances.map(({ app, port }) => [app.toLowerCase(), `http://127.0.0.1:${port.$}`]));
}
