/** Loads oidc-provider on first use, because it costs a start 0.2 seconds and 20 MB. */

export async function loadLibrary() {
  const [{ Provider }, errors, policy] = await Promise.all([
    import('oidc-provider/lib/provider.js'),
    import('oidc-provider/lib/helpers/errors.js'),
    import('oidc-provider/lib/helpers/interaction_policy/index.js'),
  ]);
  return { Provider, errors, policy };
}

export type Library = Awaited<ReturnType<typeof loadLibrary>>;
