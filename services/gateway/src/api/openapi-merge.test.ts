import { VERSION } from '@daybook/service';
import { describe, expect, test } from 'vitest';
import { mergeOpenApi } from './openapi-merge.ts';

const Problem = { title: 'Problem', type: 'object' };
const patients = {
  openapi: '3.1.0',
  info: { title: 'patient-service', version: '1' },
  paths: { '/api/v1/patients': { post: { summary: 'register' } }, '/internal': { get: {} } },
  components: { schemas: { Problem, Patient: { type: 'object' } } },
  tags: [{ name: 'patients' }],
};
const doctors = {
  openapi: '3.1.0',
  info: { title: 'doctor-service', version: '1' },
  paths: { '/api/v1/doctors': { get: { summary: 'list' } } },
  components: { schemas: { Doctor: { type: 'object' }, Problem: { type: 'object', title: 'Problem' } } },
  tags: [{ name: 'doctors' }],
};

describe('the API document', () => {
  test('holds the public paths and the components of all services, in order', () => {
    const document = mergeOpenApi(
      new Map<string, unknown>([
        ['patient-service', patients],
        ['doctor-service', doctors],
      ]),
    );
    expect(document).toEqual({
      openapi: '3.1.0',
      info: { title: 'Daybook', version: VERSION },
      servers: [{ url: '/' }],
      tags: [{ name: 'doctors' }, { name: 'patients' }],
      paths: { '/api/v1/doctors': { get: { summary: 'list' } }, '/api/v1/patients': { post: { summary: 'register' } } },
      components: { schemas: { Doctor: { type: 'object' }, Patient: { type: 'object' }, Problem } },
    });
  });

  test('is the same whichever service is first', () => {
    const one = mergeOpenApi(
      new Map<string, unknown>([
        ['patient-service', patients],
        ['doctor-service', doctors],
      ]),
    );
    const other = mergeOpenApi(
      new Map<string, unknown>([
        ['doctor-service', doctors],
        ['patient-service', patients],
      ]),
    );
    expect(JSON.stringify(one)).toBe(JSON.stringify(other));
  });

  test('describes once what two services describe in the same words', () => {
    const parked = { '/api/v1/admin/parked-events': { get: { operationId: 'listParkedEvents' } } };
    const document = mergeOpenApi(
      new Map<string, unknown>([
        ['patient-service', { ...patients, paths: { ...patients.paths, ...parked } }],
        ['doctor-service', { ...doctors, paths: structuredClone(parked) }],
      ]),
    );
    expect(Object.keys(document.paths)).toEqual(['/api/v1/admin/parked-events', '/api/v1/patients']);
    expect(document.paths).toMatchObject(parked);
  });

  test('is refused when a component has two meanings', () => {
    const other = { ...doctors, components: { schemas: { Patient: { type: 'string' } } } };
    expect(() =>
      mergeOpenApi(
        new Map<string, unknown>([
          ['a', patients],
          ['b', other],
        ]),
      ),
    ).toThrow('the component schemas Patient has two meanings');
  });

  test('is refused when an operation has two meanings', () => {
    const other = { ...doctors, paths: { '/api/v1/patients': { post: { summary: 'something else' } } } };
    expect(() =>
      mergeOpenApi(
        new Map<string, unknown>([
          ['a', patients],
          ['b', other],
        ]),
      ),
    ).toThrow('the path /api/v1/patients post has two meanings');
  });

  test('is refused when a service returns something else', () => {
    expect(() => mergeOpenApi(new Map<string, unknown>([['a-service', { openapi: '3.0.3', paths: {} }]]))).toThrow(
      'a-service is not an OpenAPI 3.1 document',
    );
  });
});
