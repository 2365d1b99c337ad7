// Two tables of an import: the first booked something, and the second found all of it and refused the same, code by code.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

const KINDS = /^(doctors|patients|appointments)\s+(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s+(\d+)/;
const CODE = /^\s+([a-z-]+)\s+(\d+)$/;

function read(path) {
  const lines = readFileSync(path, 'utf8').split('\n');
  const kinds = {};
  for (const match of lines.map((line) => KINDS.exec(line)).filter(Boolean)) {
    const [rows, added, known, refused, bad] = match.slice(2).map(Number);
    kinds[match[1]] = { rows, added, known, refused, bad };
  }
  const codes = Object.fromEntries(
    lines
      .map((line) => CODE.exec(line))
      .filter(Boolean)
      .map(([, code, n]) => [code, Number(n)]),
  );
  return { kinds, codes };
}

const [first, second] = process.argv.slice(2).map(read);
assert.deepEqual(Object.keys(first.kinds), ['doctors', 'patients', 'appointments']);
for (const [kind, { rows, added, known, refused, bad }] of Object.entries(first.kinds)) {
  assert.ok(added > 0, `${kind}: nothing was added`);
  assert.equal(added + known + refused + bad, rows, `${kind}: rows are missing in the table`);
  assert.deepEqual(
    second.kinds[kind],
    { rows, added: 0, known: added + known, refused, bad },
    `${kind}: the second run`,
  );
}
assert.deepEqual(second.codes, first.codes);
console.log('The second import changed nothing.');
