/**
 * Announces closures to the consumers of the doctors' events.
 * A closure changes the availability of every doctor, so it raises the version of each and stores an event of each.
 * A step does that for some doctors in one transaction, and notes the last of them in the same transaction.
 * So an interruption neither repeats nor skips a doctor, and no transaction is large.
 */
import { type Database, executeBatch, idFromBytes, insertEvent, isoFromMillis, originOf } from '@daybook/database';
import type { Clock } from '@daybook/service';
import type { Selectable } from 'kysely';
import { closureEvent, SOURCE } from '../events/published.ts';
import type { ClosureAnnouncementRow, DoctorTables, Tx } from './tables.ts';

type Announcement = Selectable<ClosureAnnouncementRow>;

/** The most doctors in one step. */
export const DOCTORS_A_STEP = 100;

export interface ClosureAnnouncements {
  /** Announces the oldest due closure to some more doctors. Returns false when nothing is due. */
  step(): Promise<boolean>;
}

/** The order of the ids is that of registrations. A doctor registered after the closure never worked without it. */
function nextDoctors(tx: Tx, { last_doctor_id }: Announcement, locks: boolean) {
  const query = tx.selectFrom('doctors').select(['id', 'version']).orderBy('id').limit(DOCTORS_A_STEP);
  const next = last_doctor_id === null ? query : query.where('id', '>', last_doctor_id);
  return next.$if(locks, (locked) => locked.forUpdate()).execute();
}

type DoctorVersion = Awaited<ReturnType<typeof nextDoctors>>[number];

/** Raises the versions of the doctors, and stores their events. */
async function announceTo(
  tx: Tx,
  { dialect }: Pick<Database, 'dialect'>,
  doctors: readonly DoctorVersion[],
  announcement: Announcement,
  now: Temporal.Instant,
): Promise<void> {
  const { kind, closure_id, starts_at, ends_at, traceparent } = announcement;
  const closure = { id: idFromBytes(closure_id), start: isoFromMillis(starts_at), end: isoFromMillis(ends_at) };
  const origin = originOf(SOURCE, now, { traceparent: traceparent ?? undefined });
  await tx
    .updateTable('doctors')
    .set((set) => ({ version: set('version', '+', 1), updated_at: now.epochMilliseconds }))
    .where(
      'id',
      'in',
      doctors.map(({ id }) => id),
    )
    .execute();
  const events = doctors.map(({ id, version }) =>
    insertEvent(tx, closureEvent(kind, { id: idFromBytes(id), version: version + 1 }, closure), origin),
  );
  await executeBatch(tx, dialect, events);
}

export function createClosureAnnouncements(database: Database<DoctorTables>, clock: Clock): ClosureAnnouncements {
  const locks = database.dialect.supportsRowLocks;
  return {
    async step() {
      // Without a transaction, because nothing is due most of the time.
      const due = await database.read((db) =>
        db.selectFrom('closure_announcements').select('position').orderBy('position').limit(1).executeTakeFirst(),
      );
      if (!due) return false;
      await database.write(async (tx) => {
        // Another instance may work on it. This one waits, and continues where the other ends.
        const announcement = await tx
          .selectFrom('closure_announcements')
          .selectAll()
          .where('position', '=', due.position)
          .$if(locks, (query) => query.forUpdate())
          .executeTakeFirst();
        if (!announcement) return;
        const doctors = await nextDoctors(tx, announcement, locks);
        if (doctors.length > 0) await announceTo(tx, database, doctors, announcement, clock());
        if (doctors.length < DOCTORS_A_STEP) {
          await tx.deleteFrom('closure_announcements').where('position', '=', due.position).execute();
        } else {
          const last_doctor_id = doctors.at(-1)?.id ?? null;
          await tx
            .updateTable('closure_announcements')
            .set({ last_doctor_id })
            .where('position', '=', due.position)
            .execute();
        }
      });
      return true;
    },
  };
}
