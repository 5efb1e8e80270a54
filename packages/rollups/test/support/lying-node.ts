import { once } from "node:events";
import http from "node:http";
import { onTestFinished } from "vitest";
import { checkHeader } from "../../src/header.ts";

/** What the node answers instead of the truth; undefined lets the true answer through. */
export type Lie = (request: {
  readonly method: string;
  readonly params: readonly unknown[];
  readonly truth: unknown;
}) => unknown;

export type Behaviour =
  | { readonly kind: "honest" }
  /** Changes results. */
  | { readonly kind: "lie"; readonly lie: Lie }
  | { readonly kind: "hang" }
  | { readonly kind: "status"; readonly status: number }
  /** `chunked` keeps its length from being known ahead. */
  | {
      readonly kind: "body";
      readonly body: string | Uint8Array;
      readonly chunked?: boolean;
      readonly headers?: Readonly<Record<string, string>>;
    }
  /** Breaks the connection. */
  | { readonly kind: "reset" };

export interface LyingNode {
  readonly url: string;
  behave(behaviour: Behaviour): void;
  /** How many requests came, by method. */
  readonly requests: Map<string, number>;
  /** The connections that are open now. */
  connections(): Promise<number>;
  /** Breaks every connection, as a load balancer does that moves to another node. */
  disconnect(): void;
}

/** An HTTP endpoint in front of a real node that can be told to lie; ends with the test. */
export async function startLyingNode(upstream: string): Promise<LyingNode> {
  const { node, close } = await openLyingNode(() => upstream);
  onTestFinished(close);
  return node;
}

/** The same for as long as it is wanted. */
export async function openLyingNode(
  upstream: () => string,
): Promise<{ readonly node: LyingNode; readonly close: () => void }> {
  let behaviour: Behaviour = { kind: "honest" };
  const requests = new Map<string, number>();

  const server = http.createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer);
    } catch {
      // The client has gone.
      return;
    }
    const { id, method, params } = JSON.parse(Buffer.concat(chunks).toString()) as {
      id: number;
      method: string;
      params: unknown[];
    };
    requests.set(method, (requests.get(method) ?? 0) + 1);
    const acting = behaviour;
    switch (acting.kind) {
      case "hang":
        return;
      case "reset":
        request.socket.destroy();
        return;
      case "status":
        response.writeHead(acting.status).end("{}");
        return;
      case "body":
        for (const [name, value] of Object.entries(acting.headers ?? {})) {
          response.setHeader(name, value);
        }
        if (acting.chunked) response.write(acting.body);
        response.end(acting.chunked ? "" : acting.body);
        return;
      case "lie":
      case "honest": {
        const truth = await ask(upstream(), { id, method, params });
        // When a test ends, the node behind it may have gone: there is nothing to lie about.
        if (acting.kind === "lie" && "result" in truth) {
          const told = acting.lie({ method, params, truth: truth["result"] });
          if (told !== undefined) truth["result"] = told;
        }
        response.end(JSON.stringify(truth));
      }
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const node: LyingNode = {
    url: `http://127.0.0.1:${address.port}`,
    requests,
    behave(next) {
      behaviour = next;
    },
    connections: () =>
      new Promise((resolve) => {
        server.getConnections((_, count) => resolve(count));
      }),
    disconnect: () => server.closeAllConnections(),
  };
  const close = (): void => {
    server.closeAllConnections();
    server.close();
  };
  return { node, close };
}

type RawBlock = Readonly<Record<string, unknown>>;

/** Another block whose hash is right for its fields. */
export function forge(block: RawBlock, fields?: RawBlock): RawBlock {
  const forgery = { ...block, stateRoot: `0x${"66".repeat(32)}`, ...fields };
  const checked = checkHeader({ ...forgery, hash: `0x${"00".repeat(32)}` });
  if (checked.ok || checked.code !== "hash-mismatch") throw new Error("not forged");
  return { ...forgery, hash: checked.expected };
}

async function ask(url: string, request: object): Promise<Record<string, unknown>> {
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ jsonrpc: "2.0", ...request }),
    });
    return (await response.json()) as Record<string, unknown>;
  } catch {
    return { jsonrpc: "2.0", error: { code: -32000, message: "upstream" } };
  }
}
