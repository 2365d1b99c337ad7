export { type EurekaServer, freePort, startEurekaServer } from './eureka-server.ts';
export { type Keycloak, startKeycloak } from './keycloak.ts';
export { BUILD_MILLIS } from './programs.ts';
export * from './spring.ts';
export { javaIsMissing } from './tools.ts';
