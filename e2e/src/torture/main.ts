/** `npm run torture`: see docs/torture.md. */
import { appendFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StartFailure } from '@daybook/service';
import { ROOT, readTortureConfig, type TortureConfig } from './config.ts';
import { type RunReport, runTorture } from './run.ts';

const ROUND_MILLIS = 35_000;
const GAP_MILLIS = 1_700;
/** As a shell says it of what Ctrl-C ended. */
const INTERRUPTED = 130;

const table = (counts: Readonly<Record<string, number>>): string =>
  Object.entries(counts)
    .map(([what, count]) => `${count} × ${what}`)
    .join(', ');

/** With what else was chosen: a broken rule may need it. */
const howItRan = ({ seed, seconds, registry, databaseProgram }: TortureConfig): string =>
  [
    `DAYBOOK_TORTURE_SEED=${seed} DAYBOOK_TORTURE_SECONDS=${seconds}`,
    `DAYBOOK_TORTURE_EUREKA=${registry} DAYBOOK_TORTURE_MYSQLD=${databaseProgram}`,
  ].join(' ');

function tell(report: RunReport, say: (line: string) => void): void {
  say(`rounds: ${report.rounds}`);
  say(`faults: ${table(report.faults)}`);
  say(`answers: ${table(report.answers)}`);
  say(`${report.appointments} appointments, ${report.events} events, ${report.messages} messages`);
  for (const { rule, what } of report.violations) say(`BROKEN: ${rule}: ${what}`);
}

async function main(): Promise<number> {
  const config = await readTortureConfig();
  const folder = await mkdtemp(join(tmpdir(), 'daybook-torture-'));
  const began = performance.now();
  const say = (line: string) => {
    const stamped = `${((performance.now() - began) / 1000).toFixed(1).padStart(7)} s  ${line}`;
    console.log(stamped);
    appendFileSync(join(folder, 'torture.log'), `${stamped}\n`);
  };
  const again = `${howItRan(config)} npm run torture`;
  say(`seed ${config.seed}, ${config.seconds} s; all of it in ${folder}`);
  const interrupt = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () =>
      interrupt.abort(new StartFailure(INTERRUPTED, 'Interrupted: all that was started is ended.')),
    );
  }
  const report = await runTorture({
    ...{ ...config, sources: ROOT, folder, roundMillis: ROUND_MILLIS, gapMillis: GAP_MILLIS },
    ...{ signal: interrupt.signal, say },
  });
  tell(report, say);
  if (report.violations.length === 0) {
    say('No rule was broken.');
    await rm(folder, { recursive: true, force: true });
    return 0;
  }
  await writeFile(join(folder, 'report.json'), `${JSON.stringify(report, undefined, 2)}\n`);
  say(`Rules were broken. The log of calls, plans, logs and tables are in ${folder}. To run it again: ${again}`);
  return 1;
}

try {
  process.exit(await main());
} catch (error) {
  if (!(error instanceof StartFailure)) throw error;
  console.error(error.message);
  process.exit(error.exitCode);
}
