import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { idFromBytes, idToBytes, newId } from './id.ts';

describe('an id', () => {
  it('is a UUID of version 7', () => {
    expect(newId()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  it('comes after every id that this process made before, as text and as bytes', () => {
    const ids = Array.from({ length: 20_000 }, newId);
    expect(ids.toSorted()).toEqual(ids);
    expect(ids.map(idToBytes).toSorted(Buffer.compare).map(idFromBytes)).toEqual(ids);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('has the time when it was made', () => {
    const before = Temporal.Now.instant().epochMilliseconds;
    const millis = Number.parseInt(newId().replaceAll('-', '').slice(0, 12), 16);
    expect(millis).toBeGreaterThanOrEqual(before);
    expect(millis).toBeLessThanOrEqual(Temporal.Now.instant().epochMilliseconds);
  });

  it('is the same after its way through 16 bytes', () => {
    fc.assert(
      fc.property(fc.uuid(), (id) => {
        expect(idToBytes(id)).toHaveLength(16);
        expect(idFromBytes(idToBytes(id))).toBe(id);
      }),
    );
  });

  it('is read from bytes wherever they lie in a buffer', () => {
    const id = newId();
    const buffer = new Uint8Array(40).fill(255);
    buffer.set(idToBytes(id), 7);
    expect(idFromBytes(buffer.subarray(7, 23))).toBe(id);
  });
});
