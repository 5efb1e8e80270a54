/**
 * What of a value may be shown. Keys and passwords are given by path alone, except in a URL: whose
 * user, password, path (where providers put their keys) and query are left out, but a database's
 * name is not.
 */
export function redact(value: unknown): unknown {
  if (typeof value === "string") return value.includes("://") ? redactUrl(value) : value;
  if (Array.isArray(value)) return value.map(redact);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, redact(each)]));
}

const HIDDEN = "***";

function redactUrl(value: string): string {
  if (!URL.canParse(value)) return HIDDEN;
  const { protocol, username, password, host, pathname, search, hash } = new URL(value);
  const isDatabase = protocol === "postgres:" || protocol === "postgresql:";
  const user = redactUser({ username, password, isDatabase });
  const path = isDatabase || pathname === "/" || pathname === "" ? pathname : `/${HIDDEN}`;
  const isBare = value === `${protocol}//${host}`;
  return `${protocol}//${user}${host}${isBare ? "" : path}${search || hash ? `?${HIDDEN}` : ""}`;
}

function redactUser(given: {
  readonly username: string;
  readonly password: string;
  readonly isDatabase: boolean;
}): string {
  const { username, password, isDatabase } = given;
  if (username === "" && password === "") return "";
  const name = isDatabase ? username : HIDDEN;
  return password === "" ? `${name}@` : `${name}:${HIDDEN}@`;
}
