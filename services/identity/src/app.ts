/** Builds the identity service from its dependencies. */
import type { RootKey, SealingKey } from '@daybook/access';
import { asSharedDatabase, type Database } from '@daybook/database';
import type { Bus, Consumer } from '@daybook/messaging';
import { type App, addParkedEventRoutes, type Clock, createServiceApp, issuerOf, type Logger } from '@daybook/service';
import { addApi } from './api/api.ts';
import { createPasskeyCeremonies } from './credentials/passkey-ceremonies.ts';
import { createPasswordHasher, type PasswordHasher } from './credentials/password-hasher.ts';
import { deriveKey } from './credentials/secrets.ts';
import { createForeignAttempts } from './foreign/attempts.ts';
import type { ForeignIssuer } from './foreign/foreign-issuer.ts';
import { createClientAddress } from './http/client-address.ts';
import { createCookies } from './http/cookies.ts';
import { createFormTokens } from './http/form-tokens.ts';
import { createKnownDevices } from './http/known-devices.ts';
import { createKeySetSigner } from './keys/key-set.ts';
import { createOwnAuthenticator } from './keys/own-authenticator.ts';
import { createSigningRing } from './keys/signing-ring.ts';
import type { ConfiguredClient } from './oidc/clients.ts';
import { createIssuer } from './oidc/issuer.ts';
import { mountIssuer } from './oidc/mount.ts';
import type { PatientContacts } from './patient-contacts.ts';
import { addKeySet } from './routes/keys.ts';
import type { MailQueue } from './routes/page-context.ts';
import { addPages } from './routes/pages.ts';
import { withSealedSecrets } from './sealing-key.ts';
import { createAccountDirectory } from './store/account-directory.ts';
import { createAccountStore } from './store/accounts.ts';
import { createAuditTrail } from './store/audit.ts';
import { createChainAuditor } from './store/chain-auditor.ts';
import { createCredentialStore } from './store/credentials.ts';
import { createDemoAccountStore } from './store/demo-accounts.ts';
import { createForeignAccountStore } from './store/foreign-accounts.ts';
import { createLinkCodeStore } from './store/link-codes.ts';
import { createArtifactStore } from './store/oidc-artifacts.ts';
import { createOneTimeLinkStore } from './store/one-time-links.ts';
import { createPasskeyStore } from './store/passkeys.ts';
import { createPendingSignInStore } from './store/pending-sign-ins.ts';
import { createRecordAccessStore } from './store/record-access.ts';
import { createSessionStore } from './store/sessions.ts';
import { createSigningKeyStore } from './store/signing-keys.ts';
import type { IdentityTables } from './store/tables.ts';
import { createThrottle } from './store/throttle.ts';

export const NAME = 'identity-service';

export interface IdentityDependencies {
  logger: Logger;
  database: Database<IdentityTables>;
  clock: Clock;
  bus: Pick<Bus, 'check'>;
  consumers: readonly Consumer[];
  rootKey: RootKey;
  sealingKey: SealingKey;
  publicUrl: URL;
  clients: readonly ConfiguredClient[];
  contacts: Pick<PatientContacts, 'proof'>;
  trustedProxies: readonly string[];
  /** Undefined where no mail is configured. */
  mail?: MailQueue | undefined;
  /** Whether accounts of the demo clinic, where there are any, sign in without a password. */
  mayHaveDemoAccounts?: boolean;
  /** Undefined where people sign in here only. */
  foreignIssuer?: ForeignIssuer | undefined;
  /** Another one for tests, whose passwords need not be slow. */
  hasher?: PasswordHasher;
}

export interface IdentityApp {
  readonly app: App;
  /** Loads the issuer, which the first sign-in and the first token would wait for. */
  loadIssuer(): Promise<void>;
}

export async function buildApp(dependencies: IdentityDependencies): Promise<IdentityApp> {
  const { logger, database, clock, bus, consumers, rootKey, sealingKey, publicUrl, clients, trustedProxies } =
    dependencies;
  const ring = createSigningRing(createSigningKeyStore(database, clock, sealingKey), clock);
  const signKeySet = createKeySetSigner(ring, rootKey, clock);
  const app = await createServiceApp({
    name: NAME,
    logger,
    authenticator: await createOwnAuthenticator({
      issuer: issuerOf(publicUrl),
      audience: NAME,
      signKeySet,
      rootKey,
      clock,
      logger,
    }),
    auditor: createChainAuditor(database, clock),
    tolerated: { bus: () => bus.check() },
    checks: { database: () => database.check(), keys: async () => void (await withSealedSecrets(ring.read)) },
  });
  const cookies = createCookies(publicUrl);
  const accounts = createAccountStore(database, clock);
  const sessions = createSessionStore(database, clock);
  const issuer = createIssuer({
    publicUrl,
    clients,
    cookies,
    cookieNames: cookies.names,
    cookieKey: Buffer.from(deriveKey(sealingKey, 'cookies of the issuer')).toString('base64url'),
    accounts,
    sessions,
    artifacts: createArtifactStore(database, clock),
    ring,
    clock,
    logger,
  });
  addKeySet(app, signKeySet);
  mountIssuer(app, issuer);
  const addressOf = createClientAddress(trustedProxies);
  const throttle = createThrottle(database, clock);
  const links = createOneTimeLinkStore(database, clock);
  const linkCodes = createLinkCodeStore(database, clock, deriveKey(sealingKey, 'birth dates of link codes'));
  const audit = createAuditTrail(database, clock);
  const { mail, contacts, foreignIssuer } = dependencies;
  addApi({
    app,
    contacts,
    mail,
    audit,
    database,
    clock,
    publicUrl,
    addressOf,
    accounts,
    directory: createAccountDirectory(database, clock),
    recordAccess: createRecordAccessStore(database, clock),
    linkCodes,
    links,
    sessions,
    throttle,
  });
  addParkedEventRoutes(app, asSharedDatabase(database), consumers);
  addPages(app, {
    issuer,
    database,
    sealingKey,
    links,
    context: {
      audit,
      mail,
      database,
      passkeys: createPasskeyStore(database, clock),
      ceremonies: createPasskeyCeremonies({ publicUrl, clock, key: deriveKey(sealingKey, 'passkey challenges') }),
      linkCodes,
      demo: dependencies.mayHaveDemoAccounts ? createDemoAccountStore(database, clock) : undefined,
      foreign: foreignIssuer && {
        issuer: foreignIssuer,
        attempts: createForeignAttempts(cookies, deriveKey(sealingKey, 'sign-ins at a foreign issuer'), clock),
        accounts: createForeignAccountStore(database, clock, { sessions, audit }),
      },
      clock,
      cookies,
      forms: createFormTokens(cookies, deriveKey(sealingKey, 'form tokens'), publicUrl.origin),
      devices: createKnownDevices(cookies, deriveKey(sealingKey, 'known devices')),
      addressOf,
      hasher: dependencies.hasher ?? createPasswordHasher(),
      accounts,
      sessions,
      credentials: createCredentialStore(database, clock, sealingKey),
      pending: createPendingSignInStore(database, clock),
      throttle,
    },
  });
  return { app, loadIssuer: async () => void (await issuer.handler()) };
}
