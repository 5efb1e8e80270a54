/** Which node the page reads, and whether the address of the page chose it. */
export interface ChosenEndpoint {
  readonly endpoint: string;
  /** Whether it is another site than the one that served this page. */
  readonly isForeign: boolean;
}

/**
 * The node that `?endpoint=` names, or else the site of the page. Null for a text that is no origin:
 * whoever sends a link chooses it, so that nothing else than a scheme, a host and a port is taken.
 */
export function chooseEndpoint(page: {
  readonly origin: string;
  readonly search: string;
}): ChosenEndpoint | null {
  const named = new URLSearchParams(page.search).get("endpoint");
  if (named === null) return { endpoint: page.origin, isForeign: false };
  if (!/^https?:\/\//.test(named) || !URL.canParse(named)) return null;
  const { origin, pathname, search, hash, username, password } = new URL(named);
  if (pathname !== "/" || `${search}${hash}${username}${password}` !== "") return null;
  return { endpoint: origin, isForeign: origin !== page.origin };
}
