import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { concatHex, type Hex, keccak256Text, uintWord, ZERO_HASH } from "@mach/core";
import { onTestFinished } from "vitest";

export interface FakeL1 {
  readonly url: string;
  /** Requests that have come in. */
  requests(): number;
  /** Connections that are open. */
  connections(): Promise<number>;
}

/** The returned bytes, of whatever arguments, or made from the first one. */
type Answer = Hex | ((argument: bigint) => Hex);

export interface FakeL1Options {
  /** Takes every request and answers none. */
  readonly isSilent?: boolean;
  readonly chainId?: bigint;
  /** What a call of the registry answers, by the function's signature. */
  readonly answers?: Readonly<Record<string, Answer>>;
}

const DEFAULT_ANSWERS: Readonly<Record<string, Hex>> = {
  "genesisTime()": uintWord(BigInt(Math.floor(Date.now() / 1_000) - 30)),
  "epochSeconds()": uintWord(60n),
  "operatorSetHash(uint64)": ZERO_HASH,
};

/** An L1 with a registry that has fixed nothing, on a free port of the loopback. */
export async function startFakeL1(options: FakeL1Options = {}): Promise<FakeL1> {
  let count = 0;
  const server = createServer((request, response) => {
    count += 1;
    if (options.isSilent) return;
    void readBody(request).then((body) => {
      const { id, method, params } = JSON.parse(body) as Call;
      const result = answer({ id, method, params }, options);
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify({ jsonrpc: "2.0", id, result }));
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const connections = (): Promise<number> =>
    new Promise((resolve) => server.getConnections((_, open) => resolve(open)));
  return { url: `http://127.0.0.1:${portOf(server)}`, requests: () => count, connections };
}

/** A server that holds a port of the loopback. */
export async function holdPort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  return portOf(server);
}

interface Call {
  readonly id: number;
  readonly method: string;
  readonly params: readonly unknown[];
}

function answer({ method, params }: Call, options: FakeL1Options): unknown {
  switch (method) {
    case "eth_chainId":
      return `0x${(options.chainId ?? 31_337n).toString(16)}`;
    case "eth_getBlockByNumber":
      return { number: "0x9", timestamp: "0x10", hash: `0x${"bb".repeat(32)}` };
    case "eth_call": {
      const { data } = params[0] as { data: string };
      const answers = { ...DEFAULT_ANSWERS, ...options.answers };
      const known = Object.entries(answers).find(([signature]) =>
        data.startsWith(keccak256Text(signature).slice(0, 10)),
      );
      const found = known?.[1] ?? concatHex();
      return typeof found === "string" ? found : found(BigInt(`0x${data.slice(10, 74)}`));
    }
    default:
      return null;
  }
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}
