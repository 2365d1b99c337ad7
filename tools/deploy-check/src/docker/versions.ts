/** Returns the leading numbers. Suffixes of distributions do not indicate age. */
function numbersOf(version: string): number[] {
  const [, major = '0', minor = '0', patch = '0'] = /^v?(\d+)(?:\.(\d+))?(?:\.(\d+))?/.exec(version) ?? [];
  return [major, minor, patch].map(Number);
}

export function isAtLeast(version: string, oldest: string): boolean {
  const [given, wanted] = [numbersOf(version), numbersOf(oldest)];
  const first = given.findIndex((number, index) => number !== wanted[index]);
  return first === -1 || (given[first] ?? 0) > (wanted[first] ?? 0);
}
