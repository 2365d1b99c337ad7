/** Spring's and Netflix's programs, to test with ours. */
import type { Program } from '../child-process.ts';
import { eurekaUrlOf } from '../registry-users.ts';
import { startJava } from './programs.ts';

export interface JavaService {
  readonly url: string;
  readonly program: Program;
}

/**
 * Starts a program that registers, serves `/greeting`, and finds and calls others: `/instances?service=`,
 * `/call?service=&path=`. Java's clients take the user out of the URL, as ours do.
 */
export async function startJavaClient(
  name: 'spring-service' | 'netflix-client',
  eurekaUrl: string,
): Promise<JavaService> {
  const { program, ready } = await startJava(name, { environment: { EUREKA_URL: `${eurekaUrlOf(name, eurekaUrl)}/` } });
  return { url: ready[1] ?? '', program };
}

export interface SpringCloudGatewayOptions {
  /** The registry whose services it routes, `/{service}/**` to each. */
  eurekaUrl?: string;
  /** Alternatively, base URLs of instances for one route and no others. */
  upstreams?: readonly string[];
  /** Options of the virtual machine; by default for a small process that starts fast. */
  machine?: readonly string[];
}

export async function startSpringCloudGateway({
  eurekaUrl,
  upstreams = [],
  machine,
}: SpringCloudGatewayOptions): Promise<JavaService> {
  const named = upstreams.map((url, n) => `--spring.cloud.discovery.client.simple.instances.upstream[${n}].uri=${url}`);
  const { program, ready } = await startJava('spring-gateway', {
    environment:
      eurekaUrl === undefined
        ? { SPRING_PROFILES_ACTIVE: 'plain' }
        : { SPRING_PROFILES_ACTIVE: 'locator', EUREKA_URL: `${eurekaUrlOf('spring-gateway', eurekaUrl)}/` },
    arguments: named,
    ...(machine && { machine }),
  });
  return { url: ready[1] ?? '', program };
}
