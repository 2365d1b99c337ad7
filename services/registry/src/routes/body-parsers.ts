/** Parses the bodies of Eureka's clients: JSON or XML, compressed or not, with a size limit. */
import { isUtf8 } from 'node:buffer';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { Refusal } from '@daybook/contracts';
import { type App, isNestedTooDeeply } from '@daybook/service';
import type { FastifyRequest } from 'fastify';
import { readRegistrationXml } from '../xml/registration.ts';

export const REGISTRATION_LIMIT_BYTES = 64 * 1024;

const unzip = promisify(gunzip);
const malformed = () => new Refusal('malformed-body', 'The body cannot be read.');

/** Adds a parser of bodies. `parse` throws when the text is not in its format. */
export function addBodyParser(app: App, types: string[], bodyLimit: number, parse: (text: string) => unknown): void {
  app.addContentTypeParser(types, { parseAs: 'buffer', bodyLimit }, async (request: FastifyRequest, body: Buffer) => {
    try {
      return parse(await textOf(request, body, bodyLimit));
    } catch (error) {
      request.log.debug({ err: error }, 'body not readable');
      throw malformed();
    }
  });
}

async function textOf({ headers }: FastifyRequest, body: Buffer, limit: number): Promise<string> {
  const coding = headers['content-encoding'] ?? 'identity';
  if (coding !== 'identity' && coding !== 'gzip') throw malformed();
  const bytes = coding === 'gzip' ? await unzip(body, { maxOutputLength: limit }) : body;
  if (!isUtf8(bytes) || isNestedTooDeeply(bytes)) throw malformed();
  return bytes.toString('utf8');
}

/** Drops a null value, which Java's writers use for a missing field. */
function withoutNull(this: unknown, _name: string, value: unknown): unknown {
  return value === null && !Array.isArray(this) ? undefined : value;
}

export const readJson = (text: string): unknown => JSON.parse(text, withoutNull);

export function addRegistrationParsers(app: App): void {
  app.removeAllContentTypeParsers();
  addBodyParser(app, ['application/json'], REGISTRATION_LIMIT_BYTES, readJson);
  addBodyParser(app, ['application/xml', 'text/xml'], REGISTRATION_LIMIT_BYTES, readRegistrationXml);
}
