export { at, isRecord, items, type Json, numberAt, textAt } from './json.ts';
export { type Manifest, parseManifests, workloadsOf } from './manifest.ts';
export { findRenderer, type Renderer, render, renderText } from './render.ts';
export { quantityOf } from './rules/resources.ts';
export { makeSecrets } from './secrets.ts';
export { copyOfSources } from './sources.ts';
