export { at, isRecord, items, type Json, numberAt, textAt } from './kubernetes/json.ts';
export { type Manifest, parseManifests, workloadsOf } from './kubernetes/manifest.ts';
export { findRenderer, type Renderer, render, renderText } from './kubernetes/render.ts';
export { quantityOf } from './kubernetes/rules/resources.ts';
export { makeSecrets } from './kubernetes/secrets.ts';
export { copyOfSources } from './kubernetes/sources.ts';
