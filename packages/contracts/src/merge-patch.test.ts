import fc from 'fast-check';
import { Type } from 'typebox';
import { Check } from 'typebox/value';
import { describe, expect, it } from 'vitest';
import { applyMergePatch, mergePatchOf } from './merge-patch.ts';
import { Patient, PatientPatch } from './patient.ts';

type Json = boolean | number | string | Json[] | JsonObject;
interface JsonObject {
  [field: string]: Json;
}
type Patch = null | boolean | number | string | Json[] | { [field: string]: Patch };

const isObject = (value: Json | undefined): value is JsonObject => typeof value === 'object' && !Array.isArray(value);

/** A merge patch can express everything but a null inside a resource, so there are no nulls here. */
const { object: anyResource } = fc.letrec<{ value: Json; object: JsonObject }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.boolean(),
    fc.integer(),
    fc.string(),
    fc.array(tie('value'), { maxLength: 3 }),
    tie('object'),
  ),
  object: fc.dictionary(fc.oneof(fc.constantFrom('a', 'b', '__proto__', 'constructor'), fc.string()), tie('value'), {
    maxKeys: 4,
    noNullPrototype: true,
  }),
}));

/** Returns the patch that turns one object into the other. */
function patchBetween(from: JsonObject, to: JsonObject): { [field: string]: Patch } {
  const removed = Object.keys(from)
    .filter((field) => !Object.hasOwn(to, field))
    .map((field): [string, Patch] => [field, null]);
  const present = Object.entries(to).map(([field, value]): [string, Patch] => {
    const before = Object.hasOwn(from, field) ? from[field] : undefined;
    return [field, isObject(before) && isObject(value) ? patchBetween(before, value) : value];
  });
  return Object.fromEntries([...removed, ...present]);
}

describe('a merge patch', () => {
  /** RFC 7396, appendix A, without the two cases whose patch is not an object or a list. Such a body is rejected. */
  it.each([
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b' }, { a: null }, {}],
    [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [
      ['a', 'b'],
      ['c', 'd'],
      ['c', 'd'],
    ],
    [{ a: 'b' }, ['c'], ['c']],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [[1, 2], { a: 'b', c: null }, { a: 'b' }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ])('makes of %j with %j what RFC 7396 defines', (original: object, patch: object, result) => {
    expect(applyMergePatch(original, patch)).toEqual(result);
  });

  it('can lead from any resource to any other', () => {
    fc.assert(
      fc.property(anyResource, anyResource, (from, to) => {
        expect(applyMergePatch<object>(from, patchBetween(from, to))).toEqual(to);
      }),
    );
  });

  it('gives the same when it is applied twice', () => {
    fc.assert(
      fc.property(anyResource, anyResource, (from, to) => {
        const patch = patchBetween(from, to);
        const once: object = applyMergePatch<object>(from, patch);
        expect(applyMergePatch(once, patch)).toEqual(once);
      }),
    );
  });

  it('leaves the resource and the patch as they are', () => {
    const resource = { name: 'Ana', address: { city: 'Boston', region: 'MA' } };
    const patch = { address: { city: 'Lowell' } };
    applyMergePatch(resource, patch);
    expect(resource).toEqual({ name: 'Ana', address: { city: 'Boston', region: 'MA' } });
    expect(patch).toEqual({ address: { city: 'Lowell' } });
  });

  it('keeps a field that is named like a part of JavaScript', () => {
    const patch: { [field: string]: Patch } = JSON.parse(
      '{"__proto__": {"role": "administrator"}, "toString": {"a": 1}}',
    );
    const result = applyMergePatch<object>({}, patch);
    expect(JSON.stringify(result)).toBe('{"__proto__":{"role":"administrator"},"toString":{"a":1}}');
    expect(Object.getPrototypeOf(result)).toBe(Object.prototype);
  });
});

describe('the schema of a merge patch', () => {
  const Resource = Type.Object({
    needed: Type.String(),
    extra: Type.Optional(Type.String()),
    list: Type.Optional(Type.Array(Type.Integer())),
    place: Type.Optional(Type.Object({ city: Type.Optional(Type.String()) }, { title: 'Place' })),
  });
  const ResourcePatch = mergePatchOf(Resource, 'ResourcePatch');

  it.each([
    ['nothing', {}],
    ['one field', { needed: 'new' }],
    ['null for an optional field', { extra: null }],
    ['a whole list', { list: [1] }],
    ['null for an optional object', { place: null }],
    ['a part of an object', { place: { city: 'Boston' } }],
    ['null for a part of an object', { place: { city: null } }],
  ])('takes %s', (_what, patch) => {
    expect(Check(ResourcePatch, patch)).toBe(true);
  });

  it.each([
    ['null for a field that is needed', { needed: null }],
    ['an unknown field', { unknown: 1 }],
    ['an unknown field of an object', { place: { unknown: 1 } }],
    ['another type', { extra: 1 }],
    ['a list with null', { list: [null] }],
    ['what is not an object', null],
    ['a list', []],
  ])('refuses %s', (_what, patch) => {
    expect(Check(ResourcePatch, patch)).toBe(false);
  });

  it('is named, and so are the schemas inside it', () => {
    expect(JSON.parse(JSON.stringify(ResourcePatch))).toMatchObject({
      title: 'ResourcePatch',
      properties: { place: { anyOf: [{ title: 'PlacePatch' }, { type: 'null' }] } },
    });
  });

  it('lets no patch through that makes a patient of another shape', () => {
    const patient: Patient = {
      id: '01900000-0000-7000-8000-000000000000',
      givenName: 'Ana',
      familyName: 'Silva',
      birthDate: '1990-02-01',
      phone: '+15551234567',
      address: { lines: ['12 Main St'], city: 'Boston' },
      active: true,
      version: 1,
      createdAt: '2026-11-23T14:00:00Z',
      updatedAt: '2026-11-23T14:00:00Z',
    };
    /** Mostly generates valid values, so that many patches are valid. */
    const orWrong = <Value>(value: Value) =>
      fc.oneof({ arbitrary: fc.constant(value), weight: 5 }, fc.constantFrom(null, 17, ''));
    const patches = fc.record(
      {
        givenName: orWrong('Noor'),
        birthDate: orWrong('2000-01-01'),
        gender: orWrong('female'),
        // For a written phone, only the format decides.
        phone: fc.constantFrom('+4930123456', null),
        address: fc.oneof(
          fc.constant(null),
          fc.record({ city: orWrong('Lowell'), country: orWrong('US'), lines: orWrong(['1']) }, { requiredKeys: [] }),
        ),
        identifiers: orWrong([{ system: 'urn:mrn', value: 'A-17' }]),
        active: orWrong(false),
      },
      { requiredKeys: [] },
    );
    let admitted = 0;
    fc.assert(
      fc.property(patches, (patch) => {
        if (!Check(PatientPatch, patch)) return;
        admitted += 1;
        expect(Check(Patient, applyMergePatch(patient, patch))).toBe(true);
      }),
      { numRuns: 1000 },
    );
    expect(admitted).toBeGreaterThan(50);
  });
});
