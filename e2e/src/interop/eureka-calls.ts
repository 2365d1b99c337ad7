/** Sends Eureka's requests as a foreign client does. */
import { authorizationFor } from '@daybook/testing';

export interface JsonResponse {
  readonly status: number;
  readonly body: unknown;
}

/** Sends a request with the user of the application in the path, unless `headers` override it. */
export async function request(
  method: string,
  url: string,
  document?: object,
  headers: Readonly<Record<string, string>> = {},
): Promise<JsonResponse> {
  const response = await fetch(url, {
    method,
    headers: {
      accept: 'application/json',
      ...(method !== 'GET' && authorizationFor(url)),
      ...headers,
      ...(document && { 'content-type': 'application/json' }),
    },
    ...(document && { body: JSON.stringify(document) }),
    signal: AbortSignal.timeout(5_000),
  });
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.includes('json') ?? false;
  return { status: response.status, body: isJson && text !== '' ? JSON.parse(text) : text };
}

export const documentOf = (service: string, instanceId: string, changes: object = {}) => ({
  instance: {
    instanceId,
    hostName: '127.0.0.1',
    app: service.toUpperCase(),
    ipAddr: '127.0.0.1',
    vipAddress: service,
    status: 'UP',
    overriddenStatus: 'UNKNOWN',
    port: { $: 4001, '@enabled': 'true' },
    securePort: { $: 443, '@enabled': 'false' },
    dataCenterInfo: { '@class': 'com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo', name: 'MyOwn' },
    ...changes,
  },
});

interface List {
  applications: { application: { instance: { instanceId: string; status: string }[] }[] };
}

/** Returns `id status` of every instance that a server lists; undefined while it returns no list. */
export async function listedAt(url: string): Promise<string[] | undefined> {
  const response = await fetch(`${url}/apps/`, {
    headers: { accept: 'application/json' },
    signal: AbortSignal.timeout(5_000),
  }).catch(() => undefined);
  if (response?.status !== 200) return undefined;
  const { applications }: List = JSON.parse(await response.text());
  return applications.application
    .flatMap(({ instance }) => instance.map(({ instanceId, status }) => `${instanceId} ${status}`))
    .toSorted();
}
