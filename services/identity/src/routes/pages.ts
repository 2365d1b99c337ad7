/** The pages of this service: HTML that works without scripts, and forms that only these pages can send. */
import { type ProblemCode, problems, Refusal } from '@daybook/contracts';
import { type App, dropBody, refusalOf } from '@daybook/service';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Issuer } from '../oidc/issuer.ts';
import { failurePage } from '../pages/sign-in.ts';
import type { Words } from '../pages/words/words.ts';
import { addAccountPages } from './account.ts';
import { addDemoSignIn } from './demo-sign-in.ts';
import { addForeignSignIn } from './foreign-sign-in.ts';
import { addInteraction } from './interaction.ts';
import { addOneTimeLink, type LinkDependencies } from './one-time-link.ts';
import { type PageContext, sendPage, wordsFor } from './page-context.ts';
import { addPasskeys } from './passkeys.ts';
import { addRecovery } from './recovery.ts';
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

/** What a page says about a refusal, where it says more than that it cannot be done. */
const explanationOf = (words: Words, code: ProblemCode): string | undefined => {
  if (code === 'cross-site-request') return words.expiredForm;
  if (code === 'service-unavailable' || code === 'deadline-exceeded') return words.unavailable;
  return problems[code].status === 400 || problems[code].status === 415 ? words.invalid : undefined;
};

function sendFailure(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const refusal = refusalOf(error);
  const words = wordsFor(request);
  const { traceId } = request.trace;
  if (!refusal) {
    request.log.error({ err: error }, 'unexpected error');
    return sendPage(reply, 500, failurePage(words, words.failureTitle, words.failureDetail, traceId));
  }
  const { status } = problems[refusal.code];
  const { retryAfterSeconds } = refusal.extras;
  if (retryAfterSeconds !== undefined) void reply.header('retry-after', retryAfterSeconds);
  const detail = explanationOf(words, refusal.code) ?? refusal.message;
  return sendPage(reply, status, failurePage(words, words.refusedTitle, detail, traceId));
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
    addDemoSignIn(pageContext);
    addForeignSignIn(pageContext);
    addSessions(pageContext);
    addAccountPages(pageContext);
    addRecovery(pageContext);
    addOneTimeLink(pageContext, linkDependencies);
    addPasskeys(pageContext, linkDependencies);
    addInteraction(pageContext, issuer);
  });
}
