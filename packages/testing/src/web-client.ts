/** Reads pages of any site as a browser does: it keeps the cookies of each host, and follows redirects on demand. */

export interface WebPage {
  readonly url: URL;
  readonly status: number;
  readonly text: string;
  /** Where it leads, as a whole address. */
  readonly location: URL | undefined;
}

const MAX_HOPS = 20;

export class WebClient {
  readonly #cookies = new Map<string, Map<string, string>>();

  /** Sends a request. With a form, it is a POST. */
  async request(target: URL | string, form?: Readonly<Record<string, string>>): Promise<WebPage> {
    const url = new URL(target);
    const jar = this.#cookies.get(url.host) ?? new Map<string, string>();
    this.#cookies.set(url.host, jar);
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(url, {
      method: form ? 'POST' : 'GET',
      redirect: 'manual',
      headers: { accept: 'text/html', ...(cookie && { cookie }) },
      ...(form && { body: new URLSearchParams(form) }),
    });
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (value === '' || /max-age=0/i.test(line)) jar.delete(name);
      else jar.set(name, value);
    }
    const location = response.headers.get('location');
    return {
      url,
      status: response.status,
      text: await response.text(),
      location: location === null ? undefined : new URL(location, url),
    };
  }

  /** Drops the cookies of a host. */
  forget({ host }: URL): void {
    this.#cookies.delete(host);
  }

  /** Follows redirects on the present host. Returns the last page, or the one that leads to another host. */
  async follow(target: URL | string, form?: Readonly<Record<string, string>>): Promise<WebPage> {
    let page = await this.request(target, form);
    for (let hops = 0; page.location?.host === page.url.host && hops < MAX_HOPS; hops += 1) {
      page = await this.request(page.location);
    }
    return page;
  }
}
