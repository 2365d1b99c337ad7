import { appendFile, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { generatePrivateJwk, importSigningKey, importVerificationKey } from '@daybook/access';
import { createLogger } from '@daybook/service';
import { expect, it, onTestFinished } from 'vitest';
import { createHeadSigner, HEADS_FILE, readHeads, startAuditHeads } from './audit-heads.ts';
import { signPlace } from './keys/audit-seals.ts';
import { createAuditTrail } from './store/audit.ts';
import { verifyAuditChain } from './store/audit-verification.ts';
import { openStores } from './testing.ts';

const jwk = await generatePrivateJwk();
const [key, verification] = [await importSigningKey(jwk), await importVerificationKey(jwk)];

async function start() {
  const folder = await mkdtemp(join(tmpdir(), 'daybook-heads-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const { database, clock } = await openStores();
  const audit = createAuditTrail(database, clock);
  const lines: string[] = [];
  const destination = new Writable({
    write(line, _encoding, done) {
      lines.push(String(line));
      done();
    },
  });
  const options = { database, key, clock, logger: createLogger({ level: 'info', destination }), folder };
  return {
    database,
    options,
    lines,
    path: join(folder, HEADS_FILE),
    append: () => audit.append({ action: 'sign-in-failed' }),
  };
}

it('the head is signed once for each end of the chain, in a file of the owner', async () => {
  const { append, database, options, path } = await start();
  const sign = createHeadSigner(options);
  await sign();
  await expect(stat(path)).rejects.toMatchObject({ code: 'ENOENT' });
  await append();
  await sign();
  await sign();
  await append();
  await append();
  await sign();
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  const { heads } = await readHeads(path, [verification]);
  expect(heads.map(({ position }) => position)).toEqual([1, 3]);
  expect(await verifyAuditChain(database, { heads })).toMatchObject({ isWhole: true, signedHeads: 2 });
});

it('without a folder the head is a line of the log, which is read as well', async () => {
  const { append, database, lines, options, path } = await start();
  const sign = createHeadSigner({ ...options, folder: undefined });
  await append();
  await sign();
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([{ msg: 'audit head signed', position: 1 }]);
  await writeFile(path, `{"msg":"something else"}\n${lines.join('')}`);
  const { heads } = await readHeads(path, [verification]);
  expect(await verifyAuditChain(database, { heads })).toMatchObject({ isWhole: true, signedHeads: 1 });
});

it('the last entries are signed when the service ends', async () => {
  const { append, options, path } = await start();
  const heads = startAuditHeads(options);
  await append();
  await append();
  await heads.close();
  expect((await readHeads(path, [verification])).heads.at(-1)).toMatchObject({ position: 2 });
});

it('a changed line is reported, and one of another key is counted', async () => {
  const { append, options, path } = await start();
  await append();
  await createHeadSigner(options)();
  const other = await importSigningKey(await generatePrivateJwk());
  await createHeadSigner({ ...options, key: other })();
  expect(await readHeads(path, [verification])).toMatchObject({ heads: [{ position: 1 }], ofOtherKeys: 1 });
  const [line = ''] = (await readFile(path, 'utf8')).split('\n');
  const [header, , signature] = line.split('.');
  const payload = Buffer.from(JSON.stringify({ position: 9, hash: '0'.repeat(64), at: 'now' })).toString('base64url');
  await appendFile(path, `${header}.${payload}.${signature}\n`);
  await expect(readHeads(path, [verification])).rejects.toMatchObject({ fault: 'signature' });
});

it('a line that a failing machine has cut is skipped, in the file and in a log', async () => {
  const { append, database, options, path } = await start();
  await append();
  await createHeadSigner(options)();
  const [line = ''] = (await readFile(path, 'utf8')).split('\n');
  await writeFile(path, `{"msg":"something el\n${line}\n${line.slice(0, 40)}`);
  const { heads } = await readHeads(path, [verification]);
  expect(await verifyAuditChain(database, { heads })).toMatchObject({ isWhole: true, signedHeads: 1 });
});

it('a head after half a line has a line of its own', async () => {
  const { append, database, options, path } = await start();
  await append();
  await createHeadSigner(options)();
  const whole = await readFile(path, 'utf8');
  for (const length of [1, 30, 200, whole.length - 2]) {
    await appendFile(path, whole.slice(0, length));
    await append();
    await createHeadSigner(options)();
  }
  const { heads, unreadable } = await readHeads(path, [verification]);
  expect(heads.map(({ position }) => position)).toEqual([1, 2, 3, 4, 5]);
  expect(unreadable).toBe(4);
  expect(await verifyAuditChain(database, { heads })).toMatchObject({ isWhole: true, signedHeads: 5 });
});

it('a head whose line break is missing counts, and gets it before the next head', async () => {
  const { append, options, path } = await start();
  await append();
  await createHeadSigner(options)();
  await writeFile(path, (await readFile(path, 'utf8')).trimEnd());
  expect((await readHeads(path, [verification])).heads).toMatchObject([{ position: 1 }]);
  await append();
  await createHeadSigner(options)();
  const read = await readHeads(path, [verification]);
  expect(read).toMatchObject({ heads: [{ position: 1 }, { position: 2 }], unreadable: 0 });
});

it('signers that append simultaneously write whole lines, and the same head counts once', async () => {
  const { append, database, options, path } = await start();
  for (let entries = 1; entries <= 5; entries += 1) {
    await append();
    await Promise.all(Array.from({ length: 4 }, () => createHeadSigner(options)()));
  }
  const { heads, unreadable } = await readHeads(path, [verification]);
  expect(heads).toHaveLength(20);
  expect(unreadable).toBe(0);
  expect(await verifyAuditChain(database, { heads })).toMatchObject({ isWhole: true, signedHeads: 5 });
});

it('lines of other programs are counted, and hide no head', async () => {
  const { append, options, path } = await start();
  await append();
  await createHeadSigner(options)();
  const line = await readFile(path, 'utf8');
  const log = `{"msg":"audit head signed","auditHead":"${line.trim()}"}\n{"msg":"something else"}\n`;
  await writeFile(
    path,
    `    at start (main.ts:1:1)\n${line}\nidentity-1  | text\n${log}{"auditHead":"${line.slice(0, 50)}`,
  );
  expect(await readHeads(path, [verification])).toEqual({
    heads: [expect.objectContaining({ position: 1 }), expect.objectContaining({ position: 1 })],
    ofOtherKeys: 0,
    unreadable: 3,
  });
});

it('an empty file has no heads', async () => {
  const { path } = await start();
  await writeFile(path, '');
  expect(await readHeads(path, [verification])).toEqual({ heads: [], ofOtherKeys: 0, unreadable: 0 });
});

it('a checkpoint in the place of a head is reported', async () => {
  const { path } = await start();
  const place = { position: 1, hash: Buffer.alloc(32) };
  await writeFile(path, `${await signPlace('checkpoint', place, Temporal.Now.instant(), key)}\n`);
  await expect(readHeads(path, [verification])).rejects.toMatchObject({ fault: 'type' });
});

it('a head is signed after the clock jumped back', async () => {
  const { append, database, options, path } = await start();
  let now = Temporal.Now.instant();
  const sign = createHeadSigner({ ...options, clock: () => now });
  await append();
  await sign();
  now = now.subtract({ hours: 48 });
  await append();
  await sign();
  const { heads } = await readHeads(path, [verification]);
  expect(heads.map(({ position }) => position)).toEqual([1, 2]);
  expect(await verifyAuditChain(database, { heads })).toMatchObject({ isWhole: true, signedHeads: 2 });
});
