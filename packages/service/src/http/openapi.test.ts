import { NewPatient, Patient, PatientPage, PatientPatch, PatientQuery } from '@daybook/contracts';
import { Type } from 'typebox';
import { describe, expect, it } from 'vitest';
import { bareApp } from '../testing.ts';

interface Operation {
  operationId?: string;
  parameters?: { name: string; in: string; required?: boolean; schema: unknown }[];
  requestBody?: { content: Record<string, { schema: unknown }> };
  responses: Record<
    string,
    { description: string; headers?: Record<string, unknown>; content?: Record<string, { schema: unknown }> }
  >;
}
interface Document {
  openapi: string;
  info: { title: string; version: string };
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, unknown> };
}

const Params = Type.Object({ id: Type.String({ format: 'uuid' }) });

async function documentOf(): Promise<Document> {
  const { app } = await bareApp();
  app.post(
    '/patients',
    {
      schema: { operationId: 'registerPatient', body: NewPatient, response: { 201: Patient } },
      config: { problems: ['identifier-taken', 'name-taken'] },
    },
    async (_request, reply) => reply,
  );
  app.get(
    '/patients',
    { schema: { querystring: PatientQuery, response: { 200: PatientPage } } },
    async (_, reply) => reply,
  );
  app.get(
    '/patients/:id',
    { schema: { params: Params, response: { 200: Patient } }, config: { versioned: true } },
    async (_, reply) => reply,
  );
  app.get(
    '/patients/:id/visits',
    { schema: { params: Params, response: { 200: Patient } } },
    async (_, reply) => reply,
  );
  app.patch(
    '/patients/:id',
    { schema: { params: Params, body: PatientPatch, response: { 200: Patient } }, config: { versioned: true } },
    async (_, reply) => reply,
  );
  const response = await app.inject('/openapi.json');
  expect(response.statusCode).toBe(200);
  return response.json<Document>();
}

const operation = (document: Document, path: string, method: string): Operation => {
  const found = document.paths[path]?.[method];
  if (!found) throw new Error(`${method} ${path} is not documented`);
  return found;
};
const parametersOf = (document: Document, path: string, method: string) =>
  (operation(document, path, method).parameters ?? [])
    .map((parameter) => `${parameter.in} ${parameter.name}`)
    .toSorted();

describe('the API document of a service', () => {
  it('is OpenAPI 3.1 and names the service', async () => {
    const document = await documentOf();
    expect(document.openapi).toMatch(/^3\.1\./);
    expect(document.info.title).toBe('thing-service');
  });

  it('has the operations of the API and none for operators', async () => {
    const { paths } = await documentOf();
    expect(Object.keys(paths).toSorted()).toEqual(['/patients', '/patients/{id}', '/patients/{id}/visits']);
    expect(operation(await documentOf(), '/patients', 'post').operationId).toBe('registerPatient');
  });

  it('describes each titled schema once and refers to it from everywhere', async () => {
    const document = await documentOf();
    const titles = [
      'Address',
      'AddressPatch',
      'Identifier',
      'NewPatient',
      'Patient',
      'PatientCandidate',
      'PatientPage',
      'PatientPatch',
      'Problem',
      'Slot',
    ];
    expect(Object.keys(document.components.schemas).toSorted()).toEqual(titles);
    const all = JSON.stringify(document);
    for (const title of titles) expect(all.split(`"title":"${title}"`), title).toHaveLength(2);
    const references = [...all.matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g)].map(([, title]) => title);
    expect(new Set(references)).toEqual(new Set(titles));
    const created = operation(document, '/patients', 'post').responses['201']?.content?.['application/json']?.schema;
    expect(created).toEqual({ $ref: '#/components/schemas/Patient' });
    expect(document.components.schemas).toMatchObject({
      PatientPage: { properties: { items: { items: { $ref: '#/components/schemas/Patient' } } } },
      Patient: { properties: { address: { $ref: '#/components/schemas/Address' } } },
      PatientPatch: {
        properties: { address: { anyOf: [{ $ref: '#/components/schemas/AddressPatch' }, { type: 'null' }] } },
      },
    });
  });

  it('lists every problem of an operation under its status', async () => {
    const document = await documentOf();
    const { responses } = operation(document, '/patients', 'post');
    expect(Object.keys(responses)).toEqual([
      '201',
      '400',
      '401',
      '403',
      '408',
      '409',
      '413',
      '415',
      '422',
      '503',
      '504',
    ]);
    expect(responses['409']?.description).toBe(
      '`idempotency-key-in-use`: The first request with this key is still running. ' +
        '`identifier-taken`: Another patient has that identifier. `name-taken`: That name is taken.',
    );
    for (const [status, response] of Object.entries(responses)) {
      if (status === '201') continue;
      expect(response.content?.['application/problem+json']?.schema).toEqual({ $ref: '#/components/schemas/Problem' });
    }
    expect(Object.keys(operation(document, '/patients', 'get').responses)).toEqual([
      '200',
      '400',
      '401',
      '403',
      '503',
      '504',
    ]);
    expect(Object.keys(operation(document, '/patients/{id}', 'get').responses)).toEqual([
      '200',
      '304',
      '401',
      '403',
      '404',
      '503',
      '504',
    ]);
    expect(Object.keys(operation(document, '/patients/{id}', 'patch').responses)).toEqual([
      '200',
      '400',
      '401',
      '403',
      '404',
      '408',
      '412',
      '413',
      '415',
      '503',
      '504',
    ]);
  });

  it('lists the headers and parameters of an operation', async () => {
    const document = await documentOf();
    expect(parametersOf(document, '/patients', 'post')).toEqual(['header idempotency-key']);
    expect(parametersOf(document, '/patients', 'get')).toEqual([
      'query birthDate',
      'query cursor',
      'query id',
      'query limit',
      'query q',
    ]);
    expect(parametersOf(document, '/patients/{id}', 'get')).toEqual(['header if-none-match', 'path id']);
    expect(parametersOf(document, '/patients/{id}', 'patch')).toEqual(['header if-match', 'path id']);
  });

  it('lists the headers of a response', async () => {
    const document = await documentOf();
    const headersOf = (path: string, method: string) =>
      Object.entries(operation(document, path, method).responses)
        .filter(([, { headers }]) => headers)
        .map(([status, { headers = {} }]) => `${status} ${Object.keys(headers).toSorted().join(' ')}`);
    expect(headersOf('/patients', 'post')).toEqual([
      '201 Idempotency-Replayed Location',
      '401 WWW-Authenticate',
      '503 Retry-After',
    ]);
    expect(headersOf('/patients', 'get')).toEqual(['200 Link', '401 WWW-Authenticate', '503 Retry-After']);
    expect(headersOf('/patients/{id}', 'get')).toEqual([
      '200 ETag',
      '304 ETag',
      '401 WWW-Authenticate',
      '503 Retry-After',
    ]);
    expect(headersOf('/patients/{id}', 'patch')).toEqual(['200 ETag', '401 WWW-Authenticate', '503 Retry-After']);
  });

  it('promises 304 to If-None-Match only where there is a version', async () => {
    const document = await documentOf();
    expect(parametersOf(document, '/patients/{id}/visits', 'get')).toEqual(['path id']);
    expect(Object.keys(operation(document, '/patients/{id}/visits', 'get').responses)).not.toContain('304');
    expect(operation(document, '/patients/{id}', 'get').responses['304']?.content).toBeUndefined();
  });

  it('is the same each time it is requested', async () => {
    expect(await documentOf()).toEqual(await documentOf());
  });

  it('is not there for a service without an API of its own', async () => {
    const { app } = await bareApp({ openApi: false });
    expect((await app.inject('/openapi.json')).statusCode).toBe(404);
  });
});
