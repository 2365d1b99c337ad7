import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Type } from 'typebox';
import { describe, expect, it, onTestFinished } from 'vitest';
import { StartFailure } from '../lifecycle/start-failure.ts';
import { commonVariables, databaseUrlOf } from './common-variables.ts';
import { readConfiguration } from './read-configuration.ts';

const schema = Type.Object({
  ...commonVariables,
  DAYBOOK_DEMO: Type.String({ enum: ['on', 'off'], default: 'on' }),
  TOKEN: Type.String({ minLength: 8 }),
});
const TOKEN = 'long enough';

const failureOf = (environment: Record<string, string>): StartFailure => {
  try {
    readConfiguration(schema, environment);
  } catch (error) {
    if (error instanceof StartFailure) return error;
    throw error;
  }
  throw new Error('the configuration was accepted');
};

describe('the configuration', () => {
  it('has its defaults where nothing is set', () => {
    expect(readConfiguration(schema, { TOKEN })).toEqual({
      DAYBOOK_HOST: '127.0.0.1',
      DAYBOOK_SERVICE_PORT: 0,
      DAYBOOK_WEIGHT: 1,
      DAYBOOK_DATA: './data',
      DAYBOOK_PUBLIC_PAGE: 'off',
      DAYBOOK_DEMO: 'on',
      TOKEN,
    });
  });

  it('reads numbers from text', () => {
    expect(readConfiguration(schema, { TOKEN, DAYBOOK_SERVICE_PORT: '8081' }).DAYBOOK_SERVICE_PORT).toBe(8081);
  });

  it('counts an empty variable as not set', () => {
    const environment = { TOKEN, DAYBOOK_HOST: '', DATABASE_URL: '', DAYBOOK_SERVICE_PORT: '' };
    expect(readConfiguration(schema, environment)).toEqual(readConfiguration(schema, { TOKEN }));
  });

  describe('takes a variable from the file that NAME_FILE names, and', () => {
    async function fileOf(text: string): Promise<string> {
      const folder = await mkdtemp(join(tmpdir(), 'daybook-'));
      onTestFinished(() => rm(folder, { recursive: true }));
      const file = join(folder, 'secret');
      await writeFile(file, text);
      return file;
    }

    it('leaves out the end of the line', async () => {
      const file = await fileOf(`${TOKEN}\n`);
      expect(readConfiguration(schema, { TOKEN_FILE: file })).toEqual(readConfiguration(schema, { TOKEN }));
    });

    it('counts an empty file as not set', async () => {
      expect(failureOf({ TOKEN_FILE: await fileOf('\n') }).message).toContain('TOKEN is needed');
    });

    it('checks it like any other, and names no value', async () => {
      const failure = failureOf({ TOKEN, EUREKA_URL_FILE: await fileOf('not-so-secret') });
      expect(failure.message).toContain('EUREKA_URL');
      expect(failure.message).not.toContain('not-so-secret');
    });

    it('refuses a file that is not there', () => {
      const failure = failureOf({ TOKEN, EUREKA_URL_FILE: '/nowhere/secret', DAYBOOK_DEMO: 'yes' });
      expect(failure.exitCode).toBe(78);
      expect(failure.message).toContain('EUREKA_URL_FILE names a file that cannot be read (ENOENT)');
      expect(failure.message).toContain('DAYBOOK_DEMO');
    });

    it('refuses both at once', async () => {
      const failure = failureOf({ TOKEN, TOKEN_FILE: await fileOf(TOKEN) });
      expect(failure.message).toContain('TOKEN and TOKEN_FILE are both set');
    });
  });

  it('takes nothing else from the environment, and leaves it as it is', () => {
    const environment = Object.freeze({ TOKEN, PATH: '/bin' });
    expect(readConfiguration(schema, environment)).not.toHaveProperty('PATH');
  });

  it('is refused with every wrong variable at once, and exit code 78', () => {
    const failure = failureOf({
      DAYBOOK_SERVICE_PORT: '70000',
      DAYBOOK_DEMO: 'yes',
      DATABASE_URL: 'postgres://ana:secret@db/patient',
      EUREKA_URL: 'registry:8761',
    });
    expect(failure.exitCode).toBe(78);
    const named = ['DAYBOOK_SERVICE_PORT', 'DAYBOOK_DEMO', 'DATABASE_URL', 'EUREKA_URL', 'TOKEN'];
    for (const name of named) expect(failure.message).toContain(name);
    expect(failure.message).toContain('must be one of on, off');
    expect(failure.message).toContain('TOKEN is needed');
  });

  it('is refused without showing any value', () => {
    const values = {
      DAYBOOK_SERVICE_PORT: '70001',
      DAYBOOK_DEMO: 'perhaps',
      DATABASE_URL: 'mysql://ana:secret@db/patient',
      EUREKA_URL: 'ftp://eve:hidden@registry',
      TOKEN: 'tiny',
    };
    const { message } = failureOf(values);
    for (const value of [...Object.values(values), 'secret', 'hidden']) expect(message).not.toContain(value);
  });

  it.each(['-1', '65536', '80.5', 'http', '8080 8081'])('has no port %s', (port) => {
    expect(failureOf({ TOKEN, DAYBOOK_SERVICE_PORT: port }).message).toContain('DAYBOOK_SERVICE_PORT');
  });

  it('names several registries, separated by commas', () => {
    const EUREKA_URL = 'http://one:8761/eureka,https://two/eureka';
    expect(readConfiguration(schema, { TOKEN, EUREKA_URL }).EUREKA_URL).toBe(EUREKA_URL);
    failureOf({ TOKEN, EUREKA_URL: 'http://one:8761/eureka, https://two/eureka' });
  });
});

describe('the database of a service', () => {
  it('is the one that is named, or a file in the data folder', () => {
    expect(databaseUrlOf({ DAYBOOK_DATA: '/data' }, 'patient')).toBe('sqlite:/data/patient.sqlite');
    expect(databaseUrlOf({ DAYBOOK_DATA: '/data', DATABASE_URL: 'sqlite:x' }, 'patient')).toBe('sqlite:x');
  });
});
