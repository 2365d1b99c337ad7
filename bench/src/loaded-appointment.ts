/** Creates appointments for a loader that writes directly into the database of the appointment service. */

const CELL_MILLIS = 300_000;
const DAY_MILLIS = 86_400_000;
/** The age at which the service deletes reservations. */
const RESERVED_DAYS = 8;

export interface LoadedAppointment {
  readonly id: Uint8Array;
  readonly doctorId: Uint8Array;
  readonly patientId: Uint8Array;
  readonly typeId: Uint8Array;
  /** Milliseconds since 1970 UTC. */
  readonly start: number;
  readonly end: number;
}

export const bytesOf = (id: string): Uint8Array => Buffer.from(id.replaceAll('-', ''), 'hex');

/** Returns an id that sorts by time, as the service's ids do. */
export function idAt(millis: number): Uint8Array {
  const id = crypto.getRandomValues(Buffer.alloc(16));
  id.writeUIntBE(millis, 0, 6);
  id.writeUInt8(((id[6] ?? 0) & 0x0f) | 0x70, 6);
  id.writeUInt8(((id[8] ?? 0) & 0x3f) | 0x80, 8);
  return id;
}

/** Returns its only history entry, as JSON. */
export function historyOf({ start }: LoadedAppointment): string {
  const at = new Date(start).toISOString();
  return JSON.stringify({ at, by: { id: 'bench', role: 'service' }, action: 'booked', sequence: 0 });
}

const reservedFrom = Date.now() - RESERVED_DAYS * DAY_MILLIS;

/** Returns the cells of doctor and patient that are still reserved for it. */
export function cellsOf({ start, end }: LoadedAppointment): number[] {
  if (end < reservedFrom) return [];
  return Array.from({ length: (end - start) / CELL_MILLIS }, (_, index) => start / CELL_MILLIS + index);
}
