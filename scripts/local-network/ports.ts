import { randomInt } from "node:crypto";
import { createServer } from "node:net";
import { LocalNetworkError } from "./errors.ts";

/** Below the range from which outgoing connections take theirs: it stays free for a restart. */
const FIRST_PORT = 20_000;
const LAST_PORT = 32_000;
/** Networks that start side by side choose from ports of their own, by their process. */
const SHARE = 200;
const ATTEMPTS = 200;

/** Ports on 127.0.0.1 that nothing listens on, all different. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const ports = new Set<number>();
  const first = FIRST_PORT + SHARE * (process.pid % ((LAST_PORT - FIRST_PORT) / SHARE));
  for (let attempt = 0; ports.size < count && attempt < ATTEMPTS; attempt++) {
    const port = randomInt(first, first + SHARE);
    if (await isFree(port)) ports.add(port);
  }
  if (ports.size < count) throw new LocalNetworkError("start-failed", "no free ports were found");
  return [...ports];
}

/** The API's port from MACH_API_PORT, 4500 where it is not set. */
export function apiPortFrom(environment: Readonly<Record<string, string | undefined>>): number {
  const value = environment["MACH_API_PORT"] ?? "4500";
  const port = /^\d{1,5}$/.test(value) ? Number(value) : 0;
  if (port >= 1 && port <= 65_535) return port;
  throw new LocalNetworkError("bad-port", "MACH_API_PORT is a port from 1 to 65535");
}

/** Throws where something listens on the port already, and says how to take another. */
export async function requireFreePort(port: number): Promise<void> {
  if (await isFree(port)) return;
  throw new LocalNetworkError(
    "port-taken",
    `port ${port} on 127.0.0.1, where the API would be, is taken. Stop what listens there, ` +
      `or choose another port: MACH_API_PORT=${port + 1} npm start`,
  );
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return await new Promise((resolve) => {
    server.once("error", () => resolve(false));
    server.listen({ port, host: "127.0.0.1", exclusive: true }, () => {
      server.close(() => resolve(true));
    });
  });
}
