/** Makes one attempt of a call through the gateway, and returns what is known of its outcome. */
import { createClient, type DaybookClient } from '@daybook/client';
import type { Call, Operation, Outcome, ReturnedResource } from './calls.ts';
import type { ChaosSystem } from './system.ts';

const TIMEOUT_MILLIS = 12_000;
/**
 * Statuses about the moment, or about corrupted bytes, which do not decide the call. A service whose clock is wrong
 * rejects a good token with 401.
 */
const AMBIGUOUS_STATUSES = [400, 401, 408, 413, 429, 431, 502, 503, 504];

/** The system that clients call, and their token. */
export type Entrance = Pick<ChaosSystem, 'url' | 'token'>;

export const clientOf = ({ url, token }: Entrance): DaybookClient =>
  createClient({ baseUrl: url, token, timeoutMillis: TIMEOUT_MILLIS });

interface FetchResult {
  readonly data?: unknown;
  readonly error?: unknown;
  readonly response: Response;
}

function send(client: DaybookClient, { key, operation, isKeyed }: Call, typeId: string): Promise<FetchResult> {
  const headers: Record<string, string> = isKeyed ? { 'idempotency-key': key } : {};
  switch (operation.do) {
    case 'book': {
      const { do: _, ...visit } = operation;
      return client.POST('/api/v1/appointments', {
        headers,
        body: { ...visit, appointmentTypeId: typeId, reason: key },
      });
    }
    case 'move': {
      const { id, doctorId, start } = operation;
      const params = { path: { id } };
      return client.POST('/api/v1/appointments/{id}/reschedule', { headers, params, body: { doctorId, start } });
    }
    case 'cancel': {
      const params = { path: { id: operation.id } };
      return client.POST('/api/v1/appointments/{id}/cancel', { headers, params, body: { reason: key } });
    }
    case 'hold': {
      const { doctorId, start } = operation;
      return client.POST('/api/v1/holds', { headers, body: { doctorId, start, appointmentTypeId: typeId } });
    }
    case 'register':
      return client.POST('/api/v1/patients', {
        headers,
        body: { givenName: 'Chaos', familyName: key, birthDate: '1990-02-01', confirmedNew: true },
      });
  }
}

const textIn = (value: object, name: string): string | undefined => {
  const field = Reflect.get(value, name);
  return typeof field === 'string' ? field : undefined;
};
const numberIn = (value: object, name: string): number | undefined => {
  const field = Reflect.get(value, name);
  return typeof field === 'number' ? field : undefined;
};

/** Returns the resource; undefined when the body does not match the operation because its bytes were corrupted. */
function parseResource(body: unknown, operation: Operation): ReturnedResource | undefined {
  if (typeof body !== 'object' || body === null) return undefined;
  const id = textIn(body, 'id');
  if (id === undefined) return undefined;
  if (operation.do === 'register' || operation.do === 'hold') return { id };
  const texts = ['patientId', 'doctorId', 'start', 'end', 'status'].map((name) => [name, textIn(body, name)]);
  const numbers = ['sequence', 'version'].map((name) => [name, numberIn(body, name)]);
  const fields = [...texts, ...numbers];
  if (fields.some(([, value]) => value === undefined)) return undefined;
  return { id, ...Object.fromEntries(fields) };
}

function outcomeOf({ data, error, response }: FetchResult, operation: Operation): Outcome {
  const { status } = response;
  if (response.ok) {
    const resource = parseResource(data, operation);
    return resource ? { is: 'done', status, resource } : { is: 'unknown', reason: 'a response that cannot be parsed' };
  }
  const code = typeof error === 'object' && error !== null ? (textIn(error, 'code') ?? 'none') : 'none';
  if (AMBIGUOUS_STATUSES.includes(status) || code === 'idempotency-key-in-use') {
    return { is: 'unknown', reason: `${status} ${code}` };
  }
  return { is: 'refused', status, code };
}

const causeOf = (error: unknown): string => {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (!(cause instanceof Error)) return String(cause);
  return 'code' in cause && typeof cause.code === 'string' ? cause.code : cause.name;
};

/** Makes an attempt. Never rejects, because a failed transfer has an unknown outcome. */
export async function attempt(client: DaybookClient, call: Call, typeId: string): Promise<Outcome> {
  try {
    return outcomeOf(await send(client, call, typeId), call.operation);
  } catch (error) {
    return { is: 'unknown', reason: causeOf(error) };
  }
}
