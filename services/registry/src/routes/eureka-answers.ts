/** What all of Eureka's operations answer alike: no body with an error, and JSON only, said so. */
import { problems } from '@daybook/contracts';
import { type App, refusalOf } from '@daybook/service';

export function addEurekaAnswers(app: App): void {
  // A 404 with a body once kept clients from registering again (spring-cloud-netflix#4145): no problem documents here.
  app.setErrorHandler((error, request, reply) => {
    const status = statusOf(error);
    if (status >= 500) request.log.error({ err: error }, 'an unexpected failure');
    return reply.code(status).send();
  });
  app.setNotFoundHandler((_request, reply) => reply.code(404).send());

  app.addHook('onRequest', async (request, reply) => {
    if (request.method !== 'GET') return;
    const accept = request.headers.accept?.toLowerCase() ?? '';
    // XML is not spoken here yet, and JSON would be a riddle for who asks for nothing else.
    if (accept.includes('xml') && !accept.includes('json')) await reply.code(406).send();
  });
}

function statusOf(error: unknown): number {
  const refusal = refusalOf(error);
  return refusal ? problems[refusal.code].status : 500;
}
