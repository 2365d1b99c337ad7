/** `npm run chaos`: see docs/chaos.md. */
import { appendFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EXIT, StartFailure } from '@daybook/service';
import { type ChaosConfig, ROOT, readChaosConfig } from './config.ts';
import { type RunReport, runChaos } from './run.ts';

const ROUND_MILLIS = 35_000;
const GAP_MILLIS = 1_700;

const table = (counts: Readonly<Record<string, number>>): string =>
  Object.entries(counts)
    .map(([what, count]) => `${count} × ${what}`)
    .join(', ');

/** Returns all settings of a run, because the reproduction of a violation may need them. */
const reproductionSettings = ({ seed, seconds, registry, databaseProgram }: ChaosConfig): string =>
  [
    `DAYBOOK_CHAOS_SEED=${seed} DAYBOOK_CHAOS_SECONDS=${seconds}`,
    `DAYBOOK_CHAOS_EUREKA=${registry} DAYBOOK_CHAOS_MYSQLD=${databaseProgram}`,
  ].join(' ');

function printReport(report: RunReport, print: (line: string) => void): void {
  print(`rounds: ${report.rounds}`);
  print(`faults: ${table(report.faults)}`);
  print(`responses: ${table(report.responses)}`);
  print(`${report.appointments} appointments, ${report.events} events, ${report.messages} messages`);
  for (const { rule, detail } of report.violations) print(`BROKEN: ${rule}: ${detail}`);
}

async function main(): Promise<number> {
  const config = await readChaosConfig();
  const folder = await mkdtemp(join(tmpdir(), 'daybook-chaos-'));
  const began = performance.now();
  const print = (line: string) => {
    const stamped = `${((performance.now() - began) / 1000).toFixed(1).padStart(7)} s  ${line}`;
    console.log(stamped);
    appendFileSync(join(folder, 'chaos.log'), `${stamped}\n`);
  };
  const command = `${reproductionSettings(config)} npm run chaos`;
  print(`seed ${config.seed}, ${config.seconds} s; all of it in ${folder}`);
  const interrupt = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () =>
      interrupt.abort(new StartFailure(EXIT.interrupted, 'Interrupted: all that was started is ended.')),
    );
  }
  const report = await runChaos({
    ...{ ...config, sources: ROOT, folder, roundMillis: ROUND_MILLIS, gapMillis: GAP_MILLIS },
    ...{ signal: interrupt.signal, print },
  });
  printReport(report, print);
  if (report.violations.length === 0) {
    print('No rule was broken.');
    await rm(folder, { recursive: true, force: true });
    return 0;
  }
  await writeFile(join(folder, 'report.json'), `${JSON.stringify(report, undefined, 2)}\n`);
  print(`Rules were broken. The log of calls, plans, logs and tables are in ${folder}. To run it again: ${command}`);
  return 1;
}

try {
  process.exit(await main());
} catch (error) {
  if (!(error instanceof StartFailure)) throw error;
  console.error(error.message);
  process.exit(error.exitCode);
}
