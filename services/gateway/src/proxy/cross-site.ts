import { isCrossSite, isSafeMethod } from '@daybook/service';
import type { ClientRequest } from '../http/client-exchange.ts';
import type { CompiledRoute } from '../routes/compiler.ts';

/** Decides which requests a page of another site must not send. */
export interface SiteCheck {
  /** Returns whether a page sends a request that changes something and the route does not allow its origin. */
  rejects(route: CompiledRoute, request: ClientRequest): boolean;
  /** Does the same for a WebSocket. A browser opens one to any site with a GET. */
  rejectsUpgrade(route: CompiledRoute, request: ClientRequest): boolean;
}

/** @param publicOrigin returns the public origin of the web site */
export function createSiteCheck(publicOrigin: () => string | undefined): SiteCheck {
  const isForeign = ({ chain }: CompiledRoute, request: ClientRequest): boolean => {
    if (!isCrossSite(request, publicOrigin())) return false;
    const { origin } = request.headers;
    return origin === undefined || !chain?.allowsOrigin.some((allows) => allows(origin));
  };
  return {
    rejects: (route, request) => !isSafeMethod(request.method) && isForeign(route, request),
    rejectsUpgrade: isForeign,
  };
}
