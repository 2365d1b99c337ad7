/** The rules that visits do not overlap, and that the taken cells are those of visits and holds. */
import type { AppointmentRow, FinalState } from '../final-state.ts';
import type { Rule } from './rule.ts';

const CELL_MILLIS = 5 * 60 * 1000;

const isStanding = ({ status }: AppointmentRow): boolean => status === 'booked';
const at = (millis: number) => new Date(millis).toISOString();

function overlaps(whose: string, visits: readonly AppointmentRow[]): string[] {
  const sorted = visits.toSorted((a, b) => a.startsAt - b.startsAt);
  return sorted.flatMap((visit, index) => {
    const next = sorted[index + 1];
    if (!next || next.startsAt >= visit.endsAt) return [];
    return `${whose} has ${visit.id} until ${at(visit.endsAt)} and ${next.id} from ${at(next.startsAt)}`;
  });
}

/** Every visit of a run is exclusive, by the capacity of its type. */
export const noDoubleBooking: Rule = {
  name: 'no double booking',
  findViolations({ appointments }) {
    const standing = appointments.filter(isStanding);
    const ofDoctors = Map.groupBy(standing, ({ doctorId }) => doctorId);
    const ofPatients = Map.groupBy(standing, ({ patientId }) => patientId);
    return [
      ...[...ofDoctors].flatMap(([id, visits]) => overlaps(`doctor ${id}`, visits)),
      ...[...ofPatients].flatMap(([id, visits]) => overlaps(`patient ${id}`, visits)),
    ];
  },
};

const cellKey = (resourceId: string, cell: number, holderId: string) => `${resourceId} ${cell} ${holderId}`;

function expectedCells(appointments: readonly AppointmentRow[]): Set<string> {
  const cells = new Set<string>();
  for (const { id, doctorId, patientId, startsAt, endsAt } of appointments.filter(isStanding)) {
    for (let cell = startsAt / CELL_MILLIS; cell < endsAt / CELL_MILLIS; cell += 1) {
      for (const resourceId of [doctorId, patientId]) cells.add(cellKey(resourceId, cell, id));
    }
  }
  return cells;
}

export const cellsAreThoseOfVisits: Rule = {
  name: 'the cells that are taken are those of visits and holds',
  findViolations({ appointments, reservations, holdIds }: FinalState) {
    const holds = new Set(holdIds);
    const expected = expectedCells(appointments);
    const found = new Set<string>();
    const violations: string[] = [];
    for (const { resourceId, cell, holderId, expiresAt } of reservations) {
      const key = cellKey(resourceId, cell, holderId);
      const isOfHold = expiresAt !== null && holds.has(holderId);
      if (found.has(key)) violations.push(`cell ${key} is taken twice by one`);
      else if (!isOfHold && !expected.has(key)) violations.push(`cell ${key} is taken without an appointment or hold`);
      found.add(key);
    }
    for (const key of expected) if (!found.has(key)) violations.push(`cell ${key} of a visit is not taken`);
    return violations;
  },
};
