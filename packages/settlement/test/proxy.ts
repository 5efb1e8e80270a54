import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export interface RpcExchange {
  readonly method: string;
  readonly params: readonly unknown[];
  readonly result: unknown;
}

export interface RpcProxy {
  readonly url: string;
  stop(): Promise<void>;
}

/** A source of the L1 that passes on what another one says, except for what `answer` changes. */
export async function startProxy(
  target: string,
  answer: (exchange: RpcExchange) => unknown,
): Promise<RpcProxy> {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const call = JSON.parse(body.toString());
    const upstream = await fetch(target, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body,
    });
    const { result } = (await upstream.json()) as { result: unknown };
    const changed = answer({ method: call.method, params: call.params, result });
    response.setHeader("content-type", "application/json");
    response.end(
      typeof changed === "string" && changed.startsWith("raw:")
        ? changed.slice(4)
        : JSON.stringify({ jsonrpc: "2.0", id: call.id, result: changed }),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
