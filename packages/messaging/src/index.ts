export * from './bus.ts';
export * from './consumer.ts';
export * from './in-process.ts';
export * from './parked-events.ts';
export { InvalidBrokerUrl, parseBrokerUrl } from './rabbitmq/address.ts';
export { namesIn, type Topology, topologyOf } from './rabbitmq/topology.ts';
export * from './relay.ts';
