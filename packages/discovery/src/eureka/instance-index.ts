import type { Instance } from '../discovery.ts';

interface Service {
  readonly members: Map<string, Instance>;
  /** Built on demand, so that a thousand changes do not build a thousand lists. */
  view: readonly Instance[] | undefined;
}

/** Instances by service. Returns the same array until something changes. */
export class InstanceIndex {
  readonly #services = new Map<string, Service>();

  of(serviceId: string): readonly Instance[] {
    const service = this.#services.get(serviceId);
    if (!service) return [];
    service.view ??= [...service.members.values()];
    return service.view;
  }

  add(key: string, instance: Instance): void {
    let service = this.#services.get(instance.serviceId);
    if (!service) {
      service = { members: new Map(), view: undefined };
      this.#services.set(instance.serviceId, service);
    }
    service.members.set(key, instance);
    service.view = undefined;
  }

  remove(key: string, instance: Instance): void {
    const service = this.#services.get(instance.serviceId);
    if (!service?.members.delete(key)) return;
    service.view = undefined;
    if (service.members.size === 0) this.#services.delete(instance.serviceId);
  }
}
