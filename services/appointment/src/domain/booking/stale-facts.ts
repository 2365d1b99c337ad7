/** Repeats an attempt whose facts changed before it was stored. */
import { Refusal } from '@daybook/contracts';
import type { ParticipantVersion } from '../ports.ts';

/** Attempts at most, each of which applies the rules again to changed facts. */
const MAX_ATTEMPTS = 3;

/**
 * Thrown when patient, doctor, type or the patient's seats changed since the rules were applied.
 * The rules have to be applied again.
 */
export class StaleFacts extends Error {
  /** The announced version, or the type as stored. Later reads return at least that version. */
  readonly newer: ParticipantVersion;

  constructor(newer: ParticipantVersion) {
    super('The facts that the rules were applied to have changed.');
    this.name = 'StaleFacts';
    this.newer = newer;
  }
}

/** The versions that events announced during a request, by participant id. Later reads are at least as new. */
export type AnnouncedVersions = ReadonlyMap<string, number>;

/**
 * Returns the version of a participant: from the facts, or newer when an event announced that before they were read.
 */
export const versionOf = (
  id: string,
  { version }: { readonly version: number },
  announcedVersions: AnnouncedVersions,
): ParticipantVersion => ({
  id,
  version: Math.max(version, announcedVersions.get(id) ?? 0),
});

/**
 * Repeats an attempt whose facts changed before it was stored.
 * @throws Refusal `service-unavailable` after MAX_ATTEMPTS
 */
export async function retryOnStaleFacts<Result>(
  attempt: (announcedVersions: AnnouncedVersions) => Promise<Result>,
): Promise<Result> {
  const announcedVersions = new Map<string, number>();
  for (let attempts = 1; ; attempts += 1) {
    try {
      return await attempt(announcedVersions);
    } catch (error) {
      if (!(error instanceof StaleFacts)) throw error;
      announcedVersions.set(error.newer.id, error.newer.version);
      if (attempts < MAX_ATTEMPTS) continue;
      const detail = 'Patient, doctor or appointment type changed during each attempt. Retry in a moment.';
      throw new Refusal('service-unavailable', detail, { retryAfterSeconds: 1 });
    }
  }
}
