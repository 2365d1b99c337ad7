/** Reads the configuration, chooses the adapters, listens. */
import { mkdir } from 'node:fs/promises';
import {
  parseIdentityKey,
  parseRootKey,
  prepareRootKey,
  publicJwkOf,
  type RootKey,
  UnusableSecret,
} from '@daybook/access';
import { createBalancer, createServiceClient } from '@daybook/discovery';
import {
  databaseUrlOf,
  EXIT,
  InvalidConfiguration,
  issuerOf,
  joinRegistry,
  type Logger,
  listenOnOf,
  openServiceDatabase,
  prepareServiceKey,
  publicUrlOf,
  runService,
  SERVICES_WITH_KEYS,
  StartFailure,
  type StartService,
  serve,
  subscribeAll,
  withServiceBus,
} from '@daybook/service';
import { migrations } from '../migrations/index.ts';
import { buildApp, NAME } from './app.ts';
import { startAuditHeads } from './audit-heads.ts';
import {
  clientsOf,
  foreignIssuerOf,
  type IdentityConfig,
  mailServerOf,
  mayHaveDemoAccounts,
  readConfig,
} from './config.ts';
import { deriveKey } from './credentials/secrets.ts';
import { auditConsumer, patientsConsumer } from './events/consumers.ts';
import { startFirstAdministratorOffer } from './first-administrator.ts';
import { createForeignIssuer, type ForeignIssuer } from './foreign/foreign-issuer.ts';
import { readPlace, signPlace } from './keys/audit-seals.ts';
import { startMailer } from './mail/mailer.ts';
import { createSmtpSender } from './mail/smtp.ts';
import type { ConfiguredClient } from './oidc/clients.ts';
import { createPatientContacts, PATIENTS } from './patient-contacts.ts';
import { foreignCallbackAt } from './routes/foreign-sign-in.ts';
import { readSealingKey } from './sealing-key.ts';
import { createAccountStore } from './store/accounts.ts';
import { createAuditRetention } from './store/audit-retention.ts';
import { createMailOutbox } from './store/mail-outbox.ts';
import { createOneTimeLinkStore } from './store/one-time-links.ts';
import { createSigningKeyStore } from './store/signing-keys.ts';
import { createSweeps } from './store/sweeps.ts';
import type { IdentityTables } from './store/tables.ts';

export { readConfig };

/** Makes the data folder, unless every key is configured and the database is on a server. */
async function prepareFolder(config: IdentityConfig): Promise<void> {
  const { DAYBOOK_DATA, DAYBOOK_IDENTITY_ROOT_KEY, DAYBOOK_SEALING_KEY } = config;
  const isWithoutFolder = DAYBOOK_IDENTITY_ROOT_KEY !== undefined && DAYBOOK_SEALING_KEY !== undefined;
  if (isWithoutFolder && !databaseUrlOf(config, 'identity').startsWith('sqlite:')) return;
  try {
    await mkdir(DAYBOOK_DATA, { recursive: true, mode: 0o700 });
  } catch (error) {
    const advice = 'Set DAYBOOK_DATA, or DAYBOOK_IDENTITY_ROOT_KEY and DAYBOOK_SEALING_KEY.';
    throw new StartFailure(EXIT.configuration, `The data folder ${DAYBOOK_DATA} cannot be made. ${advice}`, {
      cause: error,
    });
  }
}

/** Returns the configured root key, or the one of the data folder. */
const readRootKey = ({ DAYBOOK_DATA, DAYBOOK_IDENTITY_ROOT_KEY: text }: IdentityConfig): Promise<RootKey> =>
  text === undefined ? prepareRootKey(DAYBOOK_DATA) : parseRootKey(text);

/** @throws StartFailure 78 when a key cannot be used, or does not belong to the configured public half */
async function readKeys(config: IdentityConfig) {
  await prepareFolder(config);
  try {
    const rootKey = await readRootKey(config);
    const { DAYBOOK_IDENTITY_KEY: publicHalf } = config;
    if (publicHalf !== undefined && (await parseIdentityKey(publicHalf)).keyId !== rootKey.signing.keyId) {
      throw new UnusableSecret('DAYBOOK_IDENTITY_KEY is not the public half of the root key. Copy both again.');
    }
    return { rootKey, sealingKey: await readSealingKey(config) };
  } catch (error) {
    if (!(error instanceof UnusableSecret)) throw error;
    throw new StartFailure(EXIT.configuration, error.message, { cause: error });
  }
}

/**
 * Returns the configured clients, and those of our services that share the data folder.
 * @throws InvalidConfiguration where no folder is shared and a service is missing, because it could call no other
 */
async function allClients(config: IdentityConfig): Promise<ConfiguredClient[]> {
  const configured = clientsOf(config);
  const missing = SERVICES_WITH_KEYS.filter((name) => configured.every(({ id }) => id !== name));
  if (config.DAYBOOK_IDENTITY_ROOT_KEY !== undefined && missing.length > 0) {
    throw new InvalidConfiguration([`DAYBOOK_IDENTITY_CLIENTS lacks ${missing.join(', ')}`]);
  }
  const ours = missing.map(async (id): Promise<ConfiguredClient> => {
    const key = await publicJwkOf(await prepareServiceKey(config.DAYBOOK_DATA, id));
    return { kind: 'service', id, keys: [key] };
  });
  return [...configured, ...(await Promise.all(ours))];
}

/** Begins discovery of the foreign issuer, if there is one. */
function startForeignIssuer(config: IdentityConfig, logger: Logger): ForeignIssuer | undefined {
  const settings = foreignIssuerOf(config);
  if (!settings) return undefined;
  const issuer = createForeignIssuer({ settings, callback: foreignCallbackAt(publicUrlOf(config)), logger });
  issuer.start();
  return issuer;
}

export const start: StartService = async (hostProcess) => {
  const config = readConfig(hostProcess.environment);
  const publicUrl = publicUrlOf(config);
  await using disposables = new AsyncDisposableStack();
  const host = await withServiceBus(hostProcess, config.AMQP_URL, NAME, disposables);
  const { logger, bus, clock } = host;
  const { rootKey, sealingKey } = await readKeys(config);
  const url = databaseUrlOf(config, 'identity');
  const database = await openServiceDatabase<IdentityTables>(host, url, migrations, disposables, (database) => [
    ...createSweeps(database, clock),
    createSigningKeyStore(database, clock, sealingKey).sweep,
    createAuditRetention({
      database,
      clock,
      days: config.DAYBOOK_AUDIT_RETENTION_DAYS,
      signCheckpoint: (place) => signPlace('checkpoint', place, clock(), rootKey.signing),
      readCheckpoint: (signed) => readPlace('checkpoint', signed, [rootKey.verification]),
    }),
  ]);
  const folder = config.DAYBOOK_IDENTITY_ROOT_KEY === undefined ? config.DAYBOOK_DATA : undefined;
  const heads = startAuditHeads({ database, key: rootKey.signing, clock, logger, folder });
  disposables.defer(() => heads.close());
  const server = mailServerOf(config);
  const outbox = createMailOutbox(database, clock, deriveKey(sealingKey, 'subjects of mails'));
  const accounts = createAccountStore(database, clock);
  const links = createOneTimeLinkStore(database, clock);
  const registry = joinRegistry(host, config);
  const balancer = createBalancer(registry, { zone: config.DAYBOOK_ZONE });
  const client = createServiceClient({ serviceId: PATIENTS, discovery: registry, balancer, logger });
  disposables.defer(() => client.close());
  const keys = createSigningKeyStore(database, clock, sealingKey);
  const contacts = createPatientContacts({ client, keys, issuer: issuerOf(publicUrl), clock });
  const mailer =
    server && startMailer({ outbox, accounts, contacts, links, publicUrl, logger, send: createSmtpSender(server) });
  if (mailer) disposables.defer(() => mailer.stop());
  const mail = mailer && { outbox, wake: () => void mailer.runNow() };
  const consumers = [auditConsumer(database, clock, logger), patientsConsumer({ database, clock, logger, mail })];
  await subscribeAll(bus, consumers, disposables);
  const foreignIssuer = startForeignIssuer(config, logger);
  if (foreignIssuer) disposables.defer(() => foreignIssuer.stop());
  const { app, loadIssuer } = await buildApp({
    logger,
    database,
    clock,
    bus,
    consumers,
    rootKey,
    sealingKey,
    publicUrl,
    clients: await allClients(config),
    contacts,
    mail,
    mayHaveDemoAccounts: mayHaveDemoAccounts(config),
    foreignIssuer,
    trustedProxies: config.DAYBOOK_TRUSTED_PROXIES?.split(',') ?? [],
  });
  const offer = startFirstAdministratorOffer({
    accounts,
    links,
    folder,
    publicUrl,
    logger,
  });
  disposables.defer(() => offer.stop());
  return serve({
    name: NAME,
    app,
    host,
    registry,
    listenOn: listenOnOf(config),
    warmUp: { issuer: loadIssuer },
    resources: disposables.move(),
  });
};

if (import.meta.main) await runService({ start, readConfig });
