import { Clinic, ClinicPatch, Nothing } from '@daybook/contracts';
import { type App, sendVersioned, writeContextOf } from '@daybook/service';
import type { ClinicStore } from '../store/clinic.ts';

const tags = ['Clinic'];
const PATH = '/api/v1/clinic';

/** Adds the routes of the clinic. Everybody may read it, also without signing in. */
export function addClinicRoutes(app: App, store: ClinicStore): void {
  app.get(
    PATH,
    {
      schema: { tags, operationId: 'getClinic', querystring: Nothing, response: { 200: Clinic } },
      config: { versioned: true },
    },
    async (request, reply) => {
      sendVersioned(request, reply, await store.find(request.caller));
      return reply;
    },
  );

  app.patch(
    PATH,
    {
      schema: {
        tags,
        operationId: 'changeClinic',
        querystring: Nothing,
        body: ClinicPatch,
        response: { 200: Clinic },
      },
      config: { versioned: true },
    },
    async (request, reply) => {
      const clinic = await store.change(request.caller, request.body, writeContextOf(request));
      sendVersioned(request, reply, clinic);
      return reply;
    },
  );
}
