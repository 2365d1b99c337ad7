/** Finds the files that a document or a comment names. */

const FOLDERS = String.raw`(?:docs|deploy|services|packages|launcher|tools|bench|e2e|examples|\.ci|\.github)`;
/** A path of the repository in backticks: it has a folder, and no placeholder. */
const QUOTED_PATH = new RegExp(`\`(${FOLDERS}/[\\w./-]+)\``, 'g');
const DIAGRAM = /^```mermaid\n(.*?)^```$/gms;
/** A path of a file in a diagram, which has no backticks. */
const PATH_IN_DIAGRAM = new RegExp(`(?<![\\w./-])${FOLDERS}/[\\w./-]+\\.\\w+`, 'g');
const LINK = /\]\((?!https?:|mailto:|#)([^)#\s]+)(?:#[^)\s]*)?\)/g;

/** Returns the paths that a document names, in text and in diagrams, from the root of the project. */
export const pathsIn = (document: string): string[] => [
  ...[...document.matchAll(QUOTED_PATH)].map(([, path = '']) => path),
  ...[...document.matchAll(DIAGRAM)].flatMap(([, diagram = '']) => diagram.match(PATH_IN_DIAGRAM) ?? []),
];

/** Returns the files that a document links to, from its own folder. */
export const linksIn = (document: string): string[] => [...document.matchAll(LINK)].map(([, link = '']) => link);

/** Returns the documents that comments name, from the root of the project. */
export const documentsIn = (comments: string): string[] => comments.match(/(?<![\w./-])[\w./-]+\.md\b/g) ?? [];
