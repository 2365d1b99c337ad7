/** Sends calls over HTTP, through the gateway. */
import type { DaybookClient, Schemas } from '@daybook/client';
import type { ApiResponse, Call, CallOf } from './calls.ts';
import { toIso } from './units.ts';

interface FetchResult {
  readonly data?: unknown;
  readonly error?: unknown;
  readonly response: Response;
}

const toApiResponse = ({ data, error, response }: FetchResult): ApiResponse => ({
  status: response.status,
  // A 204 response has no body, but the client returns one.
  body: response.status === 204 ? undefined : (data ?? error),
  etag: response.headers.get('etag'),
  location: response.headers.get('location'),
  replayed: response.headers.get('idempotency-replayed') === 'true',
});

const headersOf = ({ key, ifMatch }: Call): Record<string, string> => ({
  ...(key !== undefined && { 'idempotency-key': key }),
  ...(ifMatch !== undefined && { 'if-match': ifMatch }),
});

const ANY_PATIENT = { givenName: 'Ana', familyName: 'Silva', birthDate: '1990-02-01', confirmedNew: true };

type SendCall = (client: DaybookClient, call: Call, timeZoneOf: (doctorId: string) => string) => Promise<ApiResponse>;

/** Sends a call. `timeZoneOf` returns the zone of a doctor's hours. */
export const send: SendCall = async (client, call, timeZoneOf) =>
  toApiResponse(await sendCall(client, call, timeZoneOf));

function sendCall(client: DaybookClient, call: Call, timeZoneOf: (doctorId: string) => string): Promise<FetchResult> {
  const headers = headersOf(call);
  switch (call.do) {
    case 'register-patient':
      return client.POST('/api/v1/patients', { headers, body: ANY_PATIENT });
    case 'change-patient': {
      const params = { path: { id: call.id } };
      return client.PATCH('/api/v1/patients/{id}', { headers, params, body: { active: call.active } });
    }
    case 'change-doctor':
      return client.PATCH('/api/v1/doctors/{id}', { headers, params: { path: { id: call.id } }, body: call.patch });
    case 'replace-schedule':
      return client.PUT('/api/v1/doctors/{id}/schedule', {
        ...{ headers, params: { path: { id: call.id } } },
        body: scheduleOf(call, timeZoneOf(call.id)),
      });
    case 'add-exception':
      return client.POST('/api/v1/doctors/{id}/exceptions', {
        ...{ headers, params: { path: { id: call.id } } },
        body: { kind: call.kind, start: toIso(call.start), end: toIso(call.end) },
      });
    case 'remove-exception': {
      const path = { id: call.id, exceptionId: call.exceptionId };
      return client.DELETE('/api/v1/doctors/{id}/exceptions/{exceptionId}', { headers, params: { path } });
    }
    case 'add-type':
      return client.POST('/api/v1/appointment-types', { headers, body: call.body });
    case 'change-type':
      return client.PATCH('/api/v1/appointment-types/{id}', {
        ...{ headers, params: { path: { id: call.id } } },
        body: call.patch,
      });
    default:
      return sendTimeCall(client, call, headers);
  }
}

const scheduleOf = ({ hours, validFrom }: CallOf<'replace-schedule'>, timeZone: string): Schemas['NewSchedule'] => ({
  timeZone,
  weeklyHours: [...hours],
  ...(validFrom !== undefined && { validFrom }),
});

type TimeCall = Exclude<
  Call,
  {
    do:
      | 'register-patient'
      | 'change-patient'
      | 'change-doctor'
      | 'replace-schedule'
      | 'add-exception'
      | 'remove-exception'
      | 'add-type'
      | 'change-type';
  }
>;

function sendTimeCall(client: DaybookClient, call: TimeCall, headers: Record<string, string>): Promise<FetchResult> {
  switch (call.do) {
    case 'find-slots': {
      const { target, typeId: appointmentTypeId, from, to, limit, walkIn } = call;
      const query = {
        ...target,
        appointmentTypeId,
        from: toIso(from),
        to: toIso(to),
        limit,
        ...(walkIn && { walkIn }),
      };
      return client.GET('/api/v1/slots', { params: { query } });
    }
    case 'explain': {
      const { doctorId, typeId: appointmentTypeId, start, patientId, walkIn } = call;
      const query = {
        ...{ doctorId, appointmentTypeId, start: toIso(start) },
        ...(patientId !== undefined && { patientId }),
        ...(walkIn && { walkIn }),
      };
      return client.GET('/api/v1/slots/explanation', { params: { query } });
    }
    case 'book':
      return client.POST('/api/v1/appointments', { headers, body: call.body });
    case 'book-first-free':
      return client.POST('/api/v1/appointments/first-free', { headers, body: call.body });
    case 'hold':
      return client.POST('/api/v1/holds', { headers, body: call.body });
    case 'list':
      return fetchAllPages(client, call);
    default:
      return sendItemCall(client, call, headers);
  }
}

type ItemCall = Exclude<TimeCall, { do: 'find-slots' | 'explain' | 'book' | 'book-first-free' | 'hold' | 'list' }>;

function sendItemCall(client: DaybookClient, call: ItemCall, headers: Record<string, string>): Promise<FetchResult> {
  const params = { path: { id: call.id } };
  switch (call.do) {
    case 'get-hold':
      return client.GET('/api/v1/holds/{id}', { params });
    case 'release':
      return client.DELETE('/api/v1/holds/{id}', { headers, params });
    case 'reschedule':
      return client.POST('/api/v1/appointments/{id}/reschedule', { headers, params, body: call.body });
    case 'change':
      return client.PATCH('/api/v1/appointments/{id}', { headers, params, body: call.patch });
    case 'cancel':
      return client.POST('/api/v1/appointments/{id}/cancel', { headers, params, body: { reason: call.reason } });
    case 'take-step':
      return client.POST(`/api/v1/appointments/{id}/${call.step}`, { headers, params });
    case 'step-back':
      return client.POST('/api/v1/appointments/{id}/step-back', { headers, params, body: { reason: call.reason } });
    case 'get':
      return client.GET('/api/v1/appointments/{id}', { params });
    case 'history':
      return client.GET('/api/v1/appointments/{id}/history', { params });
  }
}

/** More than any run books. */
const MAX_PAGES = 100;

async function fetchAllPages(client: DaybookClient, { query, limit }: CallOf<'list'>): Promise<FetchResult> {
  const items: unknown[] = [];
  let cursor: string | undefined;
  for (let pages = 0; pages < MAX_PAGES; pages += 1) {
    const page = { ...query, limit, ...(cursor !== undefined && { cursor }) };
    const response = await client.GET('/api/v1/appointments', { params: { query: page } });
    if (!response.data) return response;
    items.push(...response.data.items);
    cursor = response.data.nextCursor;
    if (cursor === undefined) return { data: { items }, response: response.response };
  }
  throw new Error('the list does not end');
}
