/** Continues as a person of the demo clinic, without a password. Only a browser on the machine of the demo can. */
import { ACCOUNT_ROLES, Refusal } from '@daybook/contracts';
import type { FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { localPathOf } from '../domain/local-path.ts';
import { isDirect } from '../http/direct-request.ts';
import { DEMO_SIGN_IN, type DemoButton } from '../pages/demo.ts';
import { completeSignIn, PAGE, type PageContext } from './page-context.ts';

const Form = Type.Object(
  {
    form_token: Type.String({ maxLength: 100 }),
    return_to: Type.Optional(Type.String({ maxLength: 2_000 })),
    role: Type.Union(ACCOUNT_ROLES.map((role) => Type.Literal(role))),
  },
  { additionalProperties: false },
);

/** Returns the people of the demo that a browser may continue as. */
export async function demoButtonsFor(
  { demo }: Pick<PageContext, 'demo'>,
  request: FastifyRequest,
): Promise<DemoButton[]> {
  if (!demo || !isDirect(request)) return [];
  const accounts = await demo.list();
  return ACCOUNT_ROLES.flatMap((role) => {
    const account = accounts.find((one) => one.role === role);
    return account ? [{ role, name: account.displayName }] : [];
  });
}

export function addDemoSignIn(context: PageContext): void {
  const { pages, forms, demo } = context;
  if (!demo) return;

  pages.post(DEMO_SIGN_IN, { ...PAGE, schema: { hide: true, body: Form } }, async (request, reply) => {
    const { form_token, return_to, role } = request.body;
    const account = isDirect(request) ? await demo.find(role) : undefined;
    if (!account) throw new Refusal('not-found', 'There is no such page.');
    forms.check(request, form_token);
    return completeSignIn(context, request, reply, { account, methods: ['demo'], returnTo: localPathOf(return_to) });
  });
}
