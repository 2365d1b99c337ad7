export * from './bus.ts';
export * from './consumer.ts';
export * from './in-process.ts';
export * from './parked-events.ts';
export * from './relay.ts';
