import { describe, expect, it } from 'vitest';
import { permit, ROLES, STAFF } from './caller.ts';

describe('a store call', () => {
  it.each(ROLES)('is for a %s only when it names that role', (role) => {
    const caller = { id: 'someone', role };
    expect(() => permit(caller, [role])).not.toThrow();
    const others = ROLES.filter((other) => other !== role);
    expect(() => permit(caller, others)).toThrow(expect.objectContaining({ code: 'forbidden' }));
    expect(() => permit(caller, [])).toThrow(expect.objectContaining({ code: 'forbidden' }));
  });

  it('does not count a patient among the staff', () => {
    expect(STAFF).not.toContain('patient');
  });
});
