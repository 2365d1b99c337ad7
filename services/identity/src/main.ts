/** Reads the configuration, chooses the adapters, listens. */
import { mkdir } from 'node:fs/promises';
import { prepareRootKey, publicJwkOf, UnusableSecret } from '@daybook/access';
import {
  databaseUrlOf,
  EXIT,
  joinRegistry,
  listenOnOf,
  openServiceDatabase,
  prepareServiceKey,
  publicUrlOf,
  runService,
  SERVICES_WITH_KEYS,
  StartFailure,
  type StartService,
  serve,
} from '@daybook/service';
import { migrations } from '../migrations/index.ts';
import { buildApp, NAME } from './app.ts';
import { clientsOf, type IdentityConfig, mailServerOf, readConfig } from './config.ts';
import { deriveKey } from './credentials/secrets.ts';
import { startFirstAdministratorOffer } from './first-administrator.ts';
import { startMailer } from './mail/mailer.ts';
import { createSmtpSender } from './mail/smtp.ts';
import type { ConfiguredClient } from './oidc/clients.ts';
import { readSealingKey } from './sealing-key.ts';
import { createAccountStore } from './store/accounts.ts';
import { createMailOutbox } from './store/mail-outbox.ts';
import { createOneTimeLinkStore } from './store/one-time-links.ts';
import { createSigningKeyStore } from './store/signing-keys.ts';
import { createSweeps } from './store/sweeps.ts';
import type { IdentityTables } from './store/tables.ts';

export { readConfig };

/** @throws StartFailure 78 when a key cannot be used */
async function readKeys(config: IdentityConfig) {
  const { DAYBOOK_DATA } = config;
  await mkdir(DAYBOOK_DATA, { recursive: true, mode: 0o700 });
  try {
    return { rootKey: await prepareRootKey(DAYBOOK_DATA), sealingKey: await readSealingKey(config) };
  } catch (error) {
    if (!(error instanceof UnusableSecret)) throw error;
    throw new StartFailure(EXIT.configuration, error.message, { cause: error });
  }
}

/** Returns the configured clients, and those of our services that share the data folder. */
async function allClients(config: IdentityConfig): Promise<ConfiguredClient[]> {
  const configured = clientsOf(config);
  const missing = SERVICES_WITH_KEYS.filter((name) => configured.every(({ id }) => id !== name));
  const ours = missing.map(async (id): Promise<ConfiguredClient> => {
    const key = await publicJwkOf(await prepareServiceKey(config.DAYBOOK_DATA, id));
    return { kind: 'service', id, keys: [key] };
  });
  return [...configured, ...(await Promise.all(ours))];
}

export const start: StartService = async (host) => {
  const config = readConfig(host.environment);
  const { logger, clock } = host;
  const publicUrl = publicUrlOf(config);
  await using disposables = new AsyncDisposableStack();
  const { rootKey, sealingKey } = await readKeys(config);
  const url = databaseUrlOf(config, 'identity');
  const database = await openServiceDatabase<IdentityTables>(host, url, migrations, disposables, (database) => [
    ...createSweeps(database, clock),
    createSigningKeyStore(database, clock, sealingKey).sweep,
  ]);
  const server = mailServerOf(config);
  const outbox = createMailOutbox(database, clock, deriveKey(sealingKey, 'subjects of mails'));
  const accounts = createAccountStore(database, clock);
  const links = createOneTimeLinkStore(database, clock);
  const mailer = server && startMailer({ outbox, accounts, links, publicUrl, logger, send: createSmtpSender(server) });
  if (mailer) disposables.defer(() => mailer.stop());
  const app = await buildApp({
    logger,
    database,
    clock,
    rootKey,
    sealingKey,
    publicUrl,
    clients: await allClients(config),
    mail: mailer && { outbox, wake: () => void mailer.runNow() },
    trustedProxies: config.DAYBOOK_TRUSTED_PROXIES?.split(',') ?? [],
  });
  const offer = startFirstAdministratorOffer({
    accounts,
    links,
    folder: config.DAYBOOK_DATA,
    publicUrl,
    logger,
  });
  disposables.defer(() => offer.stop());
  return serve({
    name: NAME,
    app,
    host,
    registry: joinRegistry(host, config),
    listenOn: listenOnOf(config),
    resources: disposables.move(),
  });
};

if (import.meta.main) await runService({ start, readConfig });
