import type { FastifyRequest } from 'fastify';

declare module 'fastify' {
  interface FastifyRequest {
    /** The patients whose records the response shows. Undefined until the route has named them. */
    shownPatientIds: readonly string[] | undefined;
  }
}

/** Names the patients whose records a response shows. The call is then recorded before the response. */
export function showPatients(request: FastifyRequest, patientIds: Iterable<string | undefined>): void {
  request.shownPatientIds = [...patientIds].filter((id) => id !== undefined);
}
