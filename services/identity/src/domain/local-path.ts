const BASE = 'http://local.invalid';
const LONGEST = 2_000;

/**
 * Returns a path of this site to continue at, or undefined for anything else. An address of another site would let a
 * link to our sign-in page lead there. Browsers read `//host` and `/\host` as other sites.
 */
export function localPathOf(text: string | undefined): string | undefined {
  if (text === undefined || text.length > LONGEST || !/^\/(?![/\\])[\x21-\x7e]*$/.test(text)) return undefined;
  if (!URL.canParse(text, BASE)) return undefined;
  const { origin, pathname, search, hash } = new URL(text, BASE);
  // The parser resolves `/.//host` to the path `//host`.
  if (origin !== BASE || pathname.startsWith('//')) return undefined;
  return `${pathname}${search}${hash}`;
}
