/**
 * Starts the identity service for this folder's tests, on a real socket and behind an address like that of a gateway.
 * Passwords are compared as they are, because argon2 is slow on purpose; one test has the real one.
 */
import { randomUUID } from 'node:crypto';
import { Writable } from 'node:stream';
import {
  formatIdentityKey,
  generatePrivateJwk,
  importSigningKey,
  importVerificationKey,
  PERSON_AUDIENCE,
  parseSealingKey,
  signAccessToken,
} from '@daybook/access';
import type { AccountRole, ContactProof, FormerContact, VerifiedCaller } from '@daybook/contracts';
import { type Database, openDatabase } from '@daybook/database';
import { createInProcessBus } from '@daybook/messaging';
import { createLogger, issuerOf, systemClock } from '@daybook/service';
import { type Method, requestsTo } from '@daybook/service/testing';
import { cleanDatabase } from '@daybook/testing/databases';
import type { KyselyPlugin } from 'kysely';
import { expect, onTestFinished } from 'vitest';
import { migrations } from '../migrations/index.ts';
import { buildApp } from './app.ts';
import type { PasswordHasher } from './credentials/password-hasher.ts';
import { newTotpSecret, totpCodeOf, totpStepAt } from './credentials/totp.ts';
import { auditConsumer, patientsConsumer } from './events/consumers.ts';
import { createForeignIssuer, type ForeignIssuerSettings } from './foreign/foreign-issuer.ts';
import { type MailMessage, sendDueMails } from './mail/mailer.ts';
import type { ConfiguredClient } from './oidc/clients.ts';
import type { PatientContacts } from './patient-contacts.ts';
import { foreignCallbackAt } from './routes/foreign-sign-in.ts';
import { createAccountStore, type NewAccount } from './store/accounts.ts';
import { createCredentialStore } from './store/credentials.ts';
import { createDemoAccountStore } from './store/demo-accounts.ts';
import { createMailOutbox } from './store/mail-outbox.ts';
import { createOneTimeLinkStore } from './store/one-time-links.ts';
import { createPasskeyStore } from './store/passkeys.ts';
import { createPendingSignInStore } from './store/pending-sign-ins.ts';
import { createSessionStore } from './store/sessions.ts';
import { createSigningKeyStore, requireRing } from './store/signing-keys.ts';
import type { IdentityTables } from './store/tables.ts';
import { createThrottle } from './store/throttle.ts';

export const PUBLIC_URL = 'https://daybook.example';
export const PASSWORD = 'violet teapot over the harbour';
const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0';

export const newAccount = (changes: Partial<NewAccount> = {}): NewAccount => ({
  role: 'patient',
  status: 'active',
  email: 'ana@example.org',
  displayName: 'Ana Silva',
  locale: 'en',
  ...changes,
});

export const testSealingKey = () => parseSealingKey(Buffer.alloc(32, 7).toString('base64url'));

/** Adds an active account to the database of a running system, with patients that it acts for. Returns its id. */
export async function addAccountTo(url: string, changes: Partial<NewAccount>, patientIds: readonly string[] = []) {
  const database = await openDatabase<IdentityTables>(url, migrations);
  try {
    const accounts = createAccountStore(database, systemClock);
    const { id } = await accounts.create(newAccount(changes));
    for (const patientId of patientIds) await accounts.linkPatient(id, { patientId, relation: 'self' });
    return id;
  } finally {
    await database.close();
  }
}

/** Opens the stores on a clean database, with a clock to advance. */
export async function openStores() {
  const database = await openDatabase<IdentityTables>(await cleanDatabase('identity'), migrations);
  onTestFinished(() => database.close());
  const sealingKey = testSealingKey();
  let ahead = 0;
  // oidc-provider reads the clock of the system, so this one is never far from it unless a test moves it.
  const clock = () => Temporal.Instant.fromEpochMilliseconds(Temporal.Now.instant().epochMilliseconds + ahead);
  return {
    database,
    sealingKey,
    clock,
    advance(time: { days?: number; hours?: number; minutes?: number; seconds?: number }) {
      ahead += Temporal.Duration.from(time).total('milliseconds');
    },
    accounts: createAccountStore(database, clock),
    credentials: createCredentialStore(database, clock, sealingKey),
    sessions: createSessionStore(database, clock),
    pending: createPendingSignInStore(database, clock),
    links: createOneTimeLinkStore(database, clock),
    passkeys: createPasskeyStore(database, clock),
    throttle: createThrottle(database, clock),
    demoAccounts: createDemoAccountStore(database, clock),
    signingKeys: createSigningKeyStore(database, clock, sealingKey),
  };
}

/** Compares passwords as they are, and notes what it was asked. */
function plainHasher() {
  const verified: (string | undefined)[] = [];
  const hasher: PasswordHasher = {
    hash: async (password) => `plain ${password}`,
    async verify(password, hash) {
      verified.push(hash);
      return hash === `plain ${password}`;
    },
  };
  return { hasher, verified };
}

/** What the patient service says about contacts. */
interface ContactAnswers {
  proof: ContactProof | undefined;
  former: FormerContact | undefined;
}

/** Notes the kinds of all statements, in their order. */
function observe(database: Database<IdentityTables>): { observed: Database<IdentityTables>; statements: string[] } {
  const statements: string[] = [];
  const plugin: KyselyPlugin = {
    transformQuery({ node }) {
      statements.push(node.kind);
      return node;
    },
    transformResult: async ({ result }) => result,
  };
  const observed: Database<IdentityTables> = {
    dialect: database.dialect,
    read: (query) => database.read((db) => query(db.withPlugin(plugin))),
    write: (work) => database.write((tx) => work(tx.withPlugin(plugin))),
    onEvents: (listener) => database.onEvents(listener),
    advisoryLock: (name) => database.advisoryLock(name),
    purgeDeleted: () => database.purgeDeleted(),
    check: () => database.check(),
    close: () => database.close(),
  };
  return { observed, statements };
}

async function newRootKey() {
  const jwk = await generatePrivateJwk();
  return {
    signing: await importSigningKey(jwk),
    verification: await importVerificationKey(jwk),
    identityKey: await formatIdentityKey(jwk),
  };
}

/** A response as a browser sees it. */
export interface Seen {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Where it leads, as a whole address. */
  readonly location: string | undefined;
}

interface Cookie {
  readonly value: string;
  readonly path: string;
}

export interface RequestOptions {
  readonly method?: 'GET' | 'POST';
  readonly form?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A browser: it keeps cookies, and sends what browsers send with forms. */
export class Browser {
  readonly cookies = new Map<string, Cookie>();
  readonly #baseUrl: string;
  readonly #address: string;

  constructor(baseUrl: string, address: string) {
    this.#baseUrl = baseUrl;
    this.#address = address;
  }

  async request(
    target: string,
    { form, method = form ? 'POST' : 'GET', headers = {} }: RequestOptions = {},
  ): Promise<Seen> {
    const url = new URL(target, PUBLIC_URL);
    expect(url.origin).toBe(PUBLIC_URL);
    const cookies = [...this.cookies].filter(([, { path }]) => url.pathname.startsWith(path));
    const response = await fetch(new URL(`${url.pathname}${url.search}`, this.#baseUrl), {
      method,
      redirect: 'manual',
      headers: {
        'user-agent': FIREFOX,
        accept: 'text/html',
        'x-forwarded-host': new URL(PUBLIC_URL).host,
        'x-forwarded-for': this.#address,
        ...(cookies.length > 0 && { cookie: cookies.map(([name, { value }]) => `${name}=${value}`).join('; ') }),
        ...(method === 'POST' && { origin: PUBLIC_URL, 'sec-fetch-site': 'same-origin' }),
        ...headers,
      },
      ...(form && { body: new URLSearchParams(form) }),
    });
    for (const line of response.headers.getSetCookie()) this.#keep(line);
    const location = response.headers.get('location') ?? undefined;
    return {
      status: response.status,
      headers: response.headers,
      text: await response.text(),
      location: location && new URL(location, url).href,
    };
  }

  #keep(line: string): void {
    const [pair = '', ...attributes] = line.split(';').map((part) => part.trim());
    const [name = '', value = ''] = pair.split('=', 2);
    const attribute = (wanted: string) =>
      attributes.find((one) => one.toLowerCase().startsWith(`${wanted}=`))?.slice(wanted.length + 1);
    const expires = attribute('expires');
    const isOver = attribute('max-age') === '0' || (expires !== undefined && Date.parse(expires) < Date.now());
    if (isOver) this.cookies.delete(name);
    else this.cookies.set(name, { value, path: attribute('path') ?? '/' });
  }

  /** Follows redirects and immediate refreshes on this site. Returns the last response, or the one that leads away. */
  async follow(seen: Seen): Promise<Seen> {
    let last = seen;
    for (let hops = 0; hops < 20; hops += 1) {
      const refresh = /http-equiv="refresh" content="0; url=([^"]+)"/.exec(last.text)?.[1];
      const next = last.location ?? refresh;
      if (next === undefined || new URL(next, PUBLIC_URL).origin !== PUBLIC_URL) return last;
      last = await this.request(next);
    }
    throw new Error('the redirects have no end');
  }

  /** Sends a form of a page, with what a person enters. Forms of passkeys do not count. */
  submit(page: Seen, entered: Readonly<Record<string, string>>, which = 0): Promise<Seen> {
    const { action, fields } = typedFormsIn(page.text)[which] ?? expect.fail('the page has no such form');
    return this.request(action, { form: { ...fields, ...entered } });
  }
}

export interface PageForm {
  readonly action: string;
  /** The fields that people do not see. */
  readonly fields: Readonly<Record<string, string>>;
}

export function formsIn(page: string): PageForm[] {
  return [...page.matchAll(/<form[^>]* action="([^"]+)"[^>]*>(.*?)<\/form>/gs)].map(
    ([, action = '', content = '']) => ({
      action,
      fields: Object.fromEntries(
        [...content.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g)].map(([, name, value]) => [
          name,
          value,
        ]),
      ),
    }),
  );
}

/** Returns the forms that people fill in themselves. */
export const typedFormsIn = (page: string): PageForm[] =>
  formsIn(page).filter(({ action }) => !action.startsWith('/identity/passkey'));

/** Returns the form of a page that is sent to a path. */
export const formTo = ({ text }: Seen, path: string): PageForm =>
  formsIn(text).find(({ action }) => action === path) ?? expect.fail(`the page has no form to ${path}`);

export interface Person {
  readonly id: string;
  readonly role: AccountRole;
  readonly email: string;
  /** Undefined for a person without a second factor. */
  readonly totpSecret: Uint8Array | undefined;
  readonly recoveryCodes: readonly string[];
}

export async function startIdentity({
  clients = [] as readonly ConfiguredClient[],
  hasher = undefined as PasswordHasher | undefined,
  hasMail = false,
  mayHaveDemoAccounts = false,
  foreign = undefined as ForeignIssuerSettings | undefined,
  stores: given = undefined as Awaited<ReturnType<typeof openStores>> | undefined,
} = {}) {
  const stores = given ?? (await openStores());
  const { database, sealingKey, clock, accounts, credentials } = stores;
  const lines: string[] = [];
  const destination = new Writable({
    write(line, _encoding, done) {
      lines.push(String(line));
      done();
    },
  });
  const logger = createLogger({ level: 'trace', destination });
  const plain = plainHasher();
  const rootKey = await newRootKey();
  const callback = foreignCallbackAt(new URL(PUBLIC_URL));
  const foreignIssuer = foreign && createForeignIssuer({ settings: foreign, callback, logger });
  foreignIssuer?.start();
  onTestFinished(() => foreignIssuer?.stop());
  const { observed, statements } = observe(database);
  const sent: MailMessage[] = [];
  const outbox = createMailOutbox(database, clock, Buffer.alloc(32, 9));
  const contactAnswers: ContactAnswers = { proof: undefined, former: undefined };
  const contacts: PatientContacts = {
    proof: async () => contactAnswers.proof,
    former: async () => contactAnswers.former,
  };
  const queue = hasMail ? { outbox, wake: () => undefined } : undefined;
  const patients = patientsConsumer({ database, clock, logger, mail: queue });
  const mail = {
    outbox,
    contacts,
    links: stores.links,
    accounts,
    publicUrl: new URL(PUBLIC_URL),
    logger,
    send: async (message: MailMessage) => void sent.push(message),
  };
  const { app } = await buildApp({
    logger,
    database: observed,
    clock,
    bus: createInProcessBus(),
    consumers: [auditConsumer(observed, clock, logger), patients],
    contacts,
    rootKey,
    sealingKey,
    clients,
    publicUrl: new URL(PUBLIC_URL),
    foreignIssuer,
    mail: queue,
    trustedProxies: [],
    mayHaveDemoAccounts,
    hasher: hasher ?? plain.hasher,
  });
  onTestFinished(() => app.close());
  const baseUrl = await app.listen({ host: '127.0.0.1', port: 0 });
  let addresses = 0;

  /** Signs a token as the exchange of a session does, at the time of the clock. */
  async function tokenOf({ id, role, patientIds, sessionId }: VerifiedCaller): Promise<string> {
    const { current } = requireRing(await stores.signingKeys.load(), clock().epochMilliseconds);
    const iat = Math.floor(clock().epochMilliseconds / 1_000);
    return signAccessToken(
      {
        iss: issuerOf(new URL(PUBLIC_URL)),
        aud: PERSON_AUDIENCE,
        sub: id,
        client_id: 'tests',
        iat,
        exp: iat + 300,
        jti: randomUUID(),
        role,
        ...(patientIds.length > 0 && { patient_ids: [...patientIds] }),
        ...(sessionId !== undefined && { sid: sessionId }),
      },
      await importSigningKey(current.privateJwk),
    );
  }

  /** Creates an active account with a password, and with an authenticator app for staff. */
  async function addPerson(role: AccountRole = 'patient', changes: Partial<NewAccount> = {}): Promise<Person> {
    const { id, email } = await accounts.create(newAccount({ role, ...changes }));
    const totpSecret = role === 'patient' ? undefined : newTotpSecret();
    const totp = totpSecret && { secret: totpSecret, usedStep: 0 };
    const passwordHash = await (hasher ?? plain.hasher).hash(PASSWORD);
    const recoveryCodes = await database.write((tx) =>
      credentials.replaceAll(tx, id, { passwordHash, ...(totp && { totp }) }),
    );
    return { id, role, email, totpSecret, recoveryCodes };
  }

  /** Returns a browser at an address of its own. */
  function newBrowser(): Browser {
    addresses += 1;
    return new Browser(baseUrl, `203.0.113.${addresses}`);
  }

  /** Returns the code that the app of a person shows now, or some steps later. */
  const codeOf = ({ totpSecret }: Person, stepsAhead = 0): string =>
    totpCodeOf(totpSecret ?? expect.fail('the person has no app'), totpStepAt(clock().epochMilliseconds) + stepsAhead);

  /** Signs a person in, and returns the last page. */
  async function signIn(browser: Browser, person: Person, path = '/identity/sign-in'): Promise<Seen> {
    const page = await browser.follow(await browser.request(path));
    const { action, fields } = formTo(page, '/identity/sign-in');
    const first = await browser.request(action, { form: { ...fields, email: person.email, password: PASSWORD } });
    if (!person.totpSecret) return browser.follow(first);
    const codePage = await browser.follow(first);
    return browser.follow(await browser.submit(codePage, { code: codeOf(person) }));
  }

  /** Returns a function that sends requests to the API as a person, with a new session unless it has a token alone. */
  async function callAs(
    { id, role }: Pick<Person, 'id' | 'role'>,
    { hasSession = true, patientIds = [''].slice(1) } = {},
  ) {
    const sessionId = hasSession
      ? await stores.sessions.start({ account: { id, role }, methods: ['pwd'], device: 'Firefox' })
      : undefined;
    const found = sessionId === undefined ? undefined : await stores.sessions.find(sessionId, { isActive: false });
    const caller: VerifiedCaller = { id, role, patientIds, ...(found && { sessionId: found.session.handle }) };
    const call = requestsTo(app, '/api/v1');
    return async (method: Method, path: string, payload?: object, headers: Record<string, string> = {}) =>
      call(method, path, payload, { authorization: `Bearer ${await tokenOf(caller)}`, ...headers });
  }

  return {
    ...stores,
    callAs,
    statements,
    sent,
    outbox,
    patients,
    contactAnswers,
    sendMails: (change: Partial<typeof mail> = {}) => sendDueMails({ ...mail, ...change }),
    app,
    baseUrl,
    rootKey,
    log: lines,
    verified: plain.verified,
    addPerson,
    newBrowser,
    codeOf,
    signIn,
  };
}
