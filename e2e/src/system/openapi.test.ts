/** The API document passes an external validator, and describes every operation. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { accessOf, rolesFor } from '@daybook/contracts';
import { Validator } from '@seriousme/openapi-schema-validator';
import { describe, expect, it } from 'vitest';

interface Operation {
  operationId: string;
  responses: Record<string, unknown>;
  security?: Record<string, string[]>[];
}

const text = await readFile(join(import.meta.dirname, '../../../docs/openapi.json'), 'utf8');
const document: { openapi: string; paths: Record<string, Record<string, Operation>> } = JSON.parse(text);
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({
    name: `${method.toUpperCase()} ${path}`,
    method,
    operation,
  })),
);

describe('the API document', () => {
  it('is valid OpenAPI 3.1', async () => {
    const result = await new Validator().validate(JSON.parse(text));
    expect(result).toMatchObject({ valid: true });
    expect(document.openapi).toBe('3.1.0');
  });

  it('refuses what is not OpenAPI, so the check above can fail', async () => {
    const broken = { ...JSON.parse(text), paths: { '/x': { get: { responses: 'none' } } } };
    expect(await new Validator().validate(broken)).toMatchObject({ valid: false });
  });

  it('names every operation once', () => {
    const ids = operations.map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.every((id) => /^[a-z][A-Za-z]+$/.test(id))).toBe(true);
  });

  it('lists the refusals of every operation', () => {
    for (const { name, operation } of operations) {
      expect(Object.keys(operation.responses), name).toEqual(expect.arrayContaining(['503', '504']));
    }
  });

  it('names the roles of each operation, and the operations that need no token', () => {
    for (const { name, operation } of operations) {
      const { operationId, security } = operation;
      const isPublic = accessOf(operationId, 'anonymous').reach !== 'none';
      expect(security, name).toEqual([{ bearer: rolesFor(operationId) }, ...(isPublic ? [{}] : [])]);
      expect(operation.responses, name).toHaveProperty('401');
    }
  });

  it('gives a retry of every POST the Idempotency-Key', () => {
    for (const { name, method, operation } of operations) {
      if (method === 'post') expect(JSON.stringify(operation), name).toContain('idempotency-key');
    }
  });
});
