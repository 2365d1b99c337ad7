import { describe, expect, it } from 'vitest';
import type { Operation } from './document.ts';
import { mark } from './placeholders.ts';
import { prepare, type Validity } from './prepare.ts';

const operation: Operation = {
  name: 'PATCH /things',
  method: 'PATCH',
  path: '/things',
  parameters: [],
  body: { type: 'object', properties: { note: { type: 'string' } }, additionalProperties: false },
  responses: {},
};

function validityOf(body: string): Validity {
  const address = { pathParameters: {}, pathSuffix: '', query: [], headers: [] };
  const plan = { operation, method: 'PATCH', ...address, body, missingBytes: 0, isOdd: false };
  return prepare(plan, { host: 'x', credentials: {} }, () => '').validity;
}

describe('a body that is nested more than 32 levels deep', () => {
  it('is invalid although a later member of the same name replaces what is nested', () => {
    expect(validityOf(`{"note":${mark.nest(50)},"note":"a"}`)).toBe('invalid');
  });

  it('is not one whose text has brackets in a string', () => {
    expect(validityOf(`{"note":"\\"${mark.nest(50)}"}`)).toBe('valid');
  });

  it('is not one that is nested less deeply', () => {
    expect(validityOf(`{"note":${mark.nest(31)},"note":"a"}`)).toBe('valid');
    expect(validityOf(`{"note":${mark.nest(32)},"note":"a"}`)).toBe('invalid');
  });
});
