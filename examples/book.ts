/**
 * Finds a free time of any cardiologist and books it, with `fetch` alone.
 * The address of Daybook is `DAYBOOK_URL`, the access token of the caller `DAYBOOK_TOKEN`.
 */
import { randomUUID } from 'node:crypto';

const API = `${process.env.DAYBOOK_URL ?? 'http://127.0.0.1:8080'}/api/v1`;
const TOKEN = process.env.DAYBOOK_TOKEN;
const TIMEOUT_MILLIS = 10_000;
const ATTEMPTS = 3;

interface Page<Item> {
  readonly items: readonly Item[];
}

interface Slot {
  readonly doctorId: string;
  readonly start: string;
}

interface Appointment {
  readonly id: string;
  readonly start: string;
  readonly timeZone: string;
}

/** The body of every response that is not 2xx. `code` is stable; `detail` is for people. */
interface Problem {
  readonly code: string;
  readonly detail: string;
}

const isProblem = (body: object): body is Problem => 'code' in body && 'detail' in body;

/** Sends the request again when no response arrives. Its key makes Daybook repeat the first response. */
async function send<Result extends object>(method: string, path: string, body?: object): Promise<Result | Problem> {
  const authorization = { Authorization: `Bearer ${TOKEN}` };
  const headers = { ...authorization, 'Content-Type': 'application/json', 'Idempotency-Key': randomUUID() };
  for (let attempt = 1; ; attempt += 1) {
    try {
      const signal = AbortSignal.timeout(TIMEOUT_MILLIS);
      const response = await fetch(`${API}${path}`, {
        method,
        signal,
        ...(body ? { headers, body: JSON.stringify(body) } : { headers: authorization }),
      });
      return JSON.parse(await response.text());
    } catch (error) {
      if (attempt === ATTEMPTS) throw error;
    }
  }
}

/** Returns the items of a page, of which there is at least one. */
async function find<Item>(method: string, path: string, body?: object): Promise<readonly [Item, ...Item[]]> {
  const page = await send<Page<Item>>(method, path, body);
  if (isProblem(page)) throw new Error(`${page.code}: ${page.detail}`);
  const [first, ...others] = page.items;
  if (first === undefined) throw new Error(`nothing found at ${path}`);
  return [first, ...others];
}

/** Books the first slot that is still free: another caller may be faster, or the patient be elsewhere at that time. */
async function bookFirst(patientId: string, appointmentTypeId: string, slots: readonly Slot[]) {
  for (const { doctorId, start } of slots) {
    const request = { patientId, appointmentTypeId, doctorId, start };
    const appointment = await send<Appointment>('POST', '/appointments', request);
    if (!isProblem(appointment)) return appointment;
    if (!['slot-taken', 'patient-busy'].includes(appointment.code)) {
      throw new Error(`${appointment.code}: ${appointment.detail}`);
    }
  }
  throw new Error('every slot was taken meanwhile');
}

if (TOKEN === undefined) throw new Error('set DAYBOOK_TOKEN to an access token');
// A search by POST keeps the name out of URLs, and so out of the logs of proxies.
const [patient] = await find<{ id: string }>('POST', '/patients/search', { q: 'silva' });
const [type] = await find<{ id: string; name: string }>('GET', '/appointment-types');
const tomorrow = Temporal.Now.instant().add({ hours: 24 });
const query = new URLSearchParams({
  specialty: 'cardiology',
  appointmentTypeId: type.id,
  from: tomorrow.toString(),
  to: tomorrow.add({ hours: 7 * 24 }).toString(),
});
const slots = await find<Slot>('GET', `/slots?${query}`);

const { id, start, timeZone } = await bookFirst(patient.id, type.id, slots);
const time = Temporal.Instant.from(start).toZonedDateTimeISO(timeZone).toPlainDateTime();
console.log(`booked: ${type.name} at ${time} (${timeZone}), appointment ${id}`);
