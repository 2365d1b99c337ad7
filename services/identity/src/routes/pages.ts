/** The pages of this service: HTML that works without scripts, and forms that only these pages can send. */
import { problems, Refusal } from '@daybook/contracts';
import { type App, dropBody, refusalOf } from '@daybook/service';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Issuer } from '../oidc/issuer.ts';
import { failurePage } from '../pages/sign-in.ts';
import { addInteraction } from './interaction.ts';
import { addOneTimeLink, type LinkDependencies } from './one-time-link.ts';
import { type PageContext, sendPage } from './page-context.ts';
import { addSessions } from './sessions.ts';
import { addSignIn } from './sign-in.ts';

const FORM = 'application/x-www-form-urlencoded';

/** Returns the fields of a form. A field that is there twice is rejected, because two readers could take another one. */
function readForm(text: string): Record<string, string> {
  const fields = [...new URLSearchParams(text)];
  const form = Object.fromEntries(fields);
  if (Object.keys(form).length < fields.length) throw new Refusal('invalid-request', 'A field is there twice.');
  return form;
}

function addFormParser(pages: App): void {
  pages.removeAllContentTypeParsers();
  pages.addContentTypeParser<string>(FORM, { parseAs: 'string' }, async (_request: FastifyRequest, text: string) =>
    readForm(text),
  );
}

/** Shows failures as pages, with the status that the API would send. */
function addFailurePages(pages: App): void {
  pages.setErrorHandler((error, request, reply) => {
    if (request.raw.complete === false && !request.raw.destroyed) {
      reply.removeHeader('connection');
      dropBody(request.raw, reply.raw);
    }
    return sendFailure(error, request, reply);
  });
}

function sendFailure(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const refusal = refusalOf(error);
  if (!refusal) {
    request.log.error({ err: error }, 'unexpected error');
    const detail = 'Try again. If it happens again, report it with the reference.';
    return sendPage(reply, 500, failurePage('Something went wrong here', detail, request.trace.traceId));
  }
  const { status, title } = problems[refusal.code];
  const { retryAfterSeconds } = refusal.extras;
  if (retryAfterSeconds !== undefined) void reply.header('retry-after', retryAfterSeconds);
  return sendPage(reply, status, failurePage(title, refusal.message, request.trace.traceId));
}

export interface PageDependencies extends LinkDependencies {
  readonly context: Omit<PageContext, 'pages'>;
  readonly issuer: Issuer;
}

export function addPages(app: App, { context, issuer, ...linkDependencies }: PageDependencies): void {
  void app.register(async (pages: App) => {
    addFormParser(pages);
    addFailurePages(pages);
    const pageContext: PageContext = { ...context, pages };
    addSignIn(pageContext);
    addSessions(pageContext);
    addOneTimeLink(pageContext, linkDependencies);
    addInteraction(pageContext, issuer);
  });
}
