import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

export interface MetricsServerPorts {
  /** The document of one scrape. */
  readonly render: () => Promise<string>;
  readonly contentType: string;
  readonly onFault: (error: unknown) => void;
}

export interface MetricsServerOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
}

export type MetricsStartResult =
  | { readonly ok: true; readonly url: string }
  | { readonly ok: false; readonly message: string };

/** What Prometheus scrapes, on a port of its own. */
export interface MetricsServer {
  start(): Promise<MetricsStartResult>;
  stop(): Promise<void>;
}

const PATH = "/metrics";
/** Prometheus, one that tries it out, and one that hangs. */
const MAX_CONNECTIONS = 16;
const TIMEOUT_MS = 10_000;

/** A server of one document. One scrape is made at a time, and those that wait share the next. */
export function createMetricsServer(
  ports: MetricsServerPorts,
  options: MetricsServerOptions,
): MetricsServer {
  let rendering: Promise<string> | null = null;

  function render(): Promise<string> {
    rendering ??= ports.render().finally(() => {
      rendering = null;
    });
    return rendering;
  }

  const server = createServer((request, response) => {
    request.resume();
    const isRead = request.method === "GET" || request.method === "HEAD";
    if (!isRead || request.url?.split("?", 1)[0] !== PATH) {
      response.writeHead(isRead ? 404 : 405).end();
      return;
    }
    render().then(
      (text) => {
        response.writeHead(200, { "content-type": ports.contentType, "cache-control": "no-store" });
        response.end(request.method === "HEAD" ? undefined : text);
      },
      (error: unknown) => {
        ports.onFault(error);
        response.writeHead(500).end();
      },
    );
  });
  server.maxConnections = MAX_CONNECTIONS;
  server.requestTimeout = TIMEOUT_MS;
  server.headersTimeout = TIMEOUT_MS;
  server.on("clientError", (_, socket) => socket.destroy());

  return {
    async start() {
      try {
        await listen(server, options);
      } catch (error) {
        return { ok: false, message: explain(error, options) };
      }
      const { address, family, port } = server.address() as AddressInfo;
      const host = family === "IPv6" ? `[${address}]` : address;
      return { ok: true, url: `http://${host}:${port}${PATH}` };
    },
    async stop() {
      if (!server.listening) return;
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    },
  };
}

function listen(server: Server, { host, port }: MetricsServerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port }, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

function explain(error: unknown, { host, port }: MetricsServerOptions): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
  return code === "EADDRINUSE"
    ? `Port ${port} on ${host} is taken: choose another for metrics.port (MACH_METRICS_PORT).`
    : `Metrics cannot be served on ${host}, port ${port} (${code}): see metrics in the configuration.`;
}
