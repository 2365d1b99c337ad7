/** The script of passkeys. Its address changes with its text, so browsers keep it for long. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export const SCRIPT = readFileSync(join(import.meta.dirname, '../../assets/passkey.js'), 'utf8');
export const SCRIPT_PATH = `/identity/passkey-${createHash('sha256').update(SCRIPT).digest('hex').slice(0, 16)}.js`;
