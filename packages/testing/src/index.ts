export { Program } from './child-process.ts';
export * from './client-of.ts';
export * from './clinic.ts';
export * from './daybook-process.ts';
export * from './exchange-recorder.ts';
export * from './file-size-limit.ts';
export * from './registry-users.ts';
export * from './service-urls.ts';
