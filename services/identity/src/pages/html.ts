/** Writes HTML as text. All values are escaped unless they are HTML already. */

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
const escaped = (text: string): string => text.replace(/[&<>"']/g, (character) => ESCAPES[character] ?? '');

/** Text that is already HTML. */
export class Html {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

type TemplateValue = string | number | Html | readonly Html[];

const textOf = (part: TemplateValue): string => {
  if (part instanceof Html) return part.text;
  return typeof part === 'object' ? part.map(({ text }) => text).join('') : escaped(String(part));
};

export const html = (strings: TemplateStringsArray, ...values: readonly TemplateValue[]): Html =>
  new Html(String.raw({ raw: strings }, ...values.map(textOf)));

export const NOTHING = new Html('');
