/** For the tests that hold the access table against the real responses of a service. */
import {
  type AccessRole,
  accessOf,
  accessOfCaller,
  ROLES,
  SERVICE_CALLERS,
  type VerifiedCaller,
} from '@daybook/contracts';
import type { App } from '../http/app-type.ts';
import { authorizationOf, type TestCaller } from './test-identity.ts';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** `hidden`: 404, or a list without the record. `refused`: 403. */
export type Outcome = 'allowed' | 'hidden' | 'refused' | 'unauthenticated' | `status ${number}`;

export interface AccessRequest {
  readonly method: Method;
  readonly url: string;
  readonly payload?: object;
  /** The id that a list holds if the caller reaches the record. */
  readonly listed?: string;
}

/** Undefined is a request without a token. */
export type MaybeCaller = (TestCaller & Pick<VerifiedCaller, 'id' | 'patientIds'>) | undefined;

/** Returns the ids of the operations that an application has routes for. */
export async function operationsOf(app: App): Promise<string[]> {
  const { paths }: { paths: Record<string, Record<string, { operationId?: string }>> } = (
    await app.inject('/openapi.json')
  ).json();
  return Object.entries(paths)
    .filter(([path]) => path.startsWith('/api/'))
    .flatMap(([, methods]) => Object.values(methods).map(({ operationId }) => operationId ?? 'one without an id'));
}

/** Returns callers without records of their own: one of each role, each known service, and nobody. */
export function callersOf(operationId: string, records: Partial<Record<AccessRole, Partial<VerifiedCaller>>>) {
  const people: MaybeCaller[] = ROLES.filter((role) => role !== 'service').map((role) => ({
    ...{ id: role, role, patientIds: [] },
    ...records[role],
  }));
  const services: MaybeCaller[] = SERVICE_CALLERS.flatMap((id) =>
    [[operationId], ['anotherOperation']].map((scope) => ({ id, role: 'service' as const, patientIds: [], scope })),
  );
  return [...people, ...services, undefined];
}

/** Returns what the access table says about a request. */
export function expectedOutcome(operationId: string, caller: MaybeCaller, isOwn: boolean): Outcome {
  const { reach } = caller ? accessOfCaller(operationId, caller) : accessOf(operationId, 'anonymous');
  if (reach === 'none') return caller ? 'refused' : 'unauthenticated';
  return reach === 'own' && !isOwn ? 'hidden' : 'allowed';
}

const isPage = (body: unknown): body is { items: { id: string }[] } =>
  typeof body === 'object' && body !== null && 'items' in body && Array.isArray(body.items);

/** Sends a request and returns its outcome. `audience` is the service. */
export async function outcomeOf(
  app: App,
  audience: string,
  caller: MaybeCaller,
  { method, url, payload, listed }: AccessRequest,
): Promise<Outcome> {
  const headers = caller ? await authorizationOf(caller, audience) : {};
  const response = await app.inject({ method, url, headers, ...(payload && { payload }) });
  const { statusCode } = response;
  if (statusCode === 401) return 'unauthenticated';
  if (statusCode === 403) return 'refused';
  if (statusCode === 404) return 'hidden';
  if (statusCode < 200 || statusCode > 299) return `status ${statusCode}`;
  if (listed === undefined) return 'allowed';
  const body: unknown = response.json();
  return isPage(body) && body.items.some(({ id }) => id === listed) ? 'allowed' : 'hidden';
}

/** Returns a response as its bytes would be read: the status, all headers, the body. */
export async function rawResponse(app: App, audience: string, caller: MaybeCaller, request: AccessRequest) {
  const { method, url, payload } = request;
  const headers = caller ? await authorizationOf(caller, audience) : {};
  const response = await app.inject({ method, url, headers, ...(payload && { payload }) });
  return `${response.statusCode} ${JSON.stringify(response.headers)} ${response.body}`;
}
