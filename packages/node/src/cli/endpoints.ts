import { STACKS, type Stack } from "@mach/core";
import { UsageError } from "./command.ts";

const MAX_URLS = 16;
type Schemes = "http or https" | "http, https, ws or wss";

const SCHEMES: Readonly<Record<Schemes, RegExp>> = {
  "http or https": /^https?:$/,
  "http, https, ws or wss": /^(https?|wss?):$/,
};

/** A stack by its name. */
export function parseStack(name: string): Stack {
  const stack = STACKS.find((each) => each === name);
  if (stack === undefined) throw new UsageError(`--stack is one of ${STACKS.join(", ")}`);
  return stack;
}

/** How many sources these endpoints are: those of one host are one. */
export function countHosts(
  urls: readonly string[],
  schemes: Schemes,
  option: "rpc" | "op-node" = "rpc",
): number {
  if (urls.length > MAX_URLS)
    throw new UsageError(`--${option} is given at most ${MAX_URLS} times`);
  const isEndpoint = (url: string): boolean =>
    URL.canParse(url) && SCHEMES[schemes].test(new URL(url).protocol);
  if (!urls.every(isEndpoint)) throw new UsageError(`--${option} is an ${schemes} URL`);
  return new Set(urls.map((url) => new URL(url).host)).size;
}

/** How many of the hosts have to agree; more than half of them where it is not said. */
export function parseAgree(text: string | undefined, hosts: number): number {
  if (text === undefined) return Math.floor(hosts / 2) + 1;
  const agree = /^\d{1,2}$/.test(text) ? Number(text) : 0;
  if (agree >= 1 && agree <= hosts) return agree;
  throw new UsageError(`--agree is a whole number from 1 to ${hosts}, the number of hosts`);
}
