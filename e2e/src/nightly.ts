/** `npm run test:nightly`: runs the long tests in sequence. Exits at the first failure, with its exit code. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';

const RUNS: readonly {
  readonly name: string;
  readonly args: readonly string[];
  readonly environment: Record<string, string>;
}[] = [
  {
    name: 'fuzz, model and faults, long and on every database',
    args: ['run', 'test:e2e', '--', 'e2e/src/properties', 'e2e/src/resilience'],
    environment: {
      DAYBOOK_TEST_NIGHTLY: '1',
      DAYBOOK_FUZZ_ROUNDS: '500',
      DAYBOOK_LEAK_ROUNDS: '500',
      DAYBOOK_MODEL_RUNS: '1000',
      DAYBOOK_CRASH_KILLS: '50',
    },
  },
  {
    name: 'stores and operations on every server',
    args: ['run', 'test:integration'],
    environment: { DAYBOOK_TEST_NIGHTLY: '1' },
  },
  {
    name: 'times that must not reveal an account, with many samples',
    args: ['run', 'test:e2e', '--', 'services/identity/src/routes/same-time.test.ts'],
    environment: { DAYBOOK_TEST_TIME_ROUNDS: '300' },
  },
  {
    name: 'parsers of the gateway against llhttp, long',
    args: ['run', 'test', '--', 'services/gateway/src/http/fast-path', 'services/gateway/src/upstream'],
    environment: { DAYBOOK_FUZZ_ROUNDS: '50' },
  },
  {
    name: 'builds without one condition of access, all of them',
    args: ['run', 'access:mutants'],
    environment: { DAYBOOK_ACCESS_MUTANTS: 'all' },
  },
  {
    name: 'images and compose, every container killed',
    args: ['run', 'deploy:test'],
    environment: { DAYBOOK_DEPLOY_KILLS: 'all' },
  },
  ...[1, 2, 3].map((seed) => ({
    name: `an hour of chaos, seed ${seed}`,
    args: ['run', 'chaos'],
    environment: { DAYBOOK_CHAOS_SECONDS: '3600', DAYBOOK_CHAOS_SEED: String(seed) },
  })),
];

for (const { name, args, environment } of RUNS) {
  console.log(`== ${name}`);
  const child = spawn('npm', args, { env: { ...process.env, ...environment }, stdio: 'inherit' });
  const [code, signal] = await once(child, 'exit');
  if (code !== 0) {
    console.error(`== ${name}: failed (${signal ?? `exit code ${code}`})`);
    process.exit(typeof code === 'number' ? code : 1);
  }
}
