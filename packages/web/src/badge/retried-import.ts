/** How Chromium and Firefox name a module that they could not load; Safari asks again by itself. */
const NAMED_MODULE = /dynamically imported module: (https?:\/\/\S+)$/;

/**
 * Imports a module, and after a failure from its address with a query: browsers of before 2026 remember
 * of an address, for as long as the page lives, that it could not be loaded (WHATWG HTML, issue 6768).
 */
export function createRetriedImport<T>(ports: {
  readonly importFirst: () => Promise<T>;
  readonly importFrom: (address: string) => Promise<T>;
}): () => Promise<T> {
  let failed: string | undefined;
  let attempts = 0;
  return async () => {
    try {
      if (failed === undefined) return await ports.importFirst();
      attempts += 1;
      const address = new URL(failed);
      address.searchParams.set("attempt", `${attempts}`);
      return await ports.importFrom(address.href);
    } catch (cause) {
      failed ??= cause instanceof Error ? NAMED_MODULE.exec(cause.message)?.[1] : undefined;
      throw cause;
    }
  };
}
