/**
 * Encodes element names like XStream, the library of Java's Eureka clients. It doubles `_`, and writes `$` as `_-`.
 * Characters that XML forbids in names become `_.` and four digits. Metadata may have any names, so all of them pass
 * through here.
 */

export function encodeName(name: string): string {
  return name.replace(/[^A-Za-z0-9.-]/g, encoded).replace(/^[0-9.-]/, hex);
}

const encoded = (unit: string): string => {
  if (unit === '_') return '__';
  return unit === '$' ? '_-' : hex(unit);
};

const hex = (unit: string): string => `_.${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;

export function decodeName(name: string): string {
  return name.replace(/__|_-|_\.([\da-f]{4})/gi, (code, digits) => {
    if (code === '__') return '_';
    return code === '_-' ? '$' : String.fromCharCode(Number.parseInt(digits, 16));
  });
}
