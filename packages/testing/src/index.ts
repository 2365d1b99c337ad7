export * from './clinic.ts';
export * from './daybook-process.ts';
