import { describe, expect, it } from 'vitest';
import { createPendingChanges } from './pending-changes.ts';
import type { PendingChange, ReplicationAction } from './replication.ts';

const change = (action: ReplicationAction, id = 'a'): PendingChange => ({ action, app: 'X', id });

function after(...changes: PendingChange[]): string[] {
  const pending = createPendingChanges(100);
  for (const each of changes) pending.add(each);
  return pending.first(100).map(({ action, id }) => `${action} ${id}`);
}

describe('what is pending', () => {
  it('is the last of each kind, in the order in which it last happened', () => {
    const changes = [change('Register'), change('StatusUpdate'), change('Register', 'b'), change('Register')];
    expect(after(...changes)).toEqual(['StatusUpdate a', 'Register b', 'Register a']);
  });

  it('is nothing but the cancellation of what has gone', () => {
    expect(after(change('Register'), change('Heartbeat'), change('StatusUpdate'), change('Cancel'))).toEqual([
      'Cancel a',
    ]);
  });

  it('is a cancellation before the registration that came after it', () => {
    expect(after(change('Register'), change('Cancel'), change('Register'))).toEqual(['Cancel a', 'Register a']);
  });

  it('is one override or its removal', () => {
    expect(after(change('StatusUpdate'), change('DeleteStatusOverride'))).toEqual(['DeleteStatusOverride a']);
    expect(after(change('DeleteStatusOverride'), change('StatusUpdate'))).toEqual(['StatusUpdate a']);
  });

  it('stays pending when it has changed again while it was sent', () => {
    const pending = createPendingChanges(100);
    pending.add(change('Register'));
    const sent = pending.first(1);
    pending.add(change('Register'));
    pending.remove(sent);
    expect(pending.size()).toBe(1);
    pending.remove(pending.first(1));
    expect(pending.size()).toBe(0);
  });

  it('is never more than there is room for', () => {
    const pending = createPendingChanges(1);
    expect(pending.add(change('Register', 'a'))).toBe(true);
    expect(pending.add(change('Register', 'b'))).toBe(false);
    expect(pending.add(change('Register', 'a'))).toBe(true);
    expect(pending.size()).toBe(1);
  });
});
