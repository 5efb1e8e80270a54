import type { AddressInfo } from "node:net";
import { siteFolder } from "@mach/web/site";
import type { QueueLoad } from "../gossip/handlers.ts";
import { addRpcRoute } from "../rpc-proxy/http-route.ts";
import { createRpcProxy } from "../rpc-proxy/proxy.ts";
import type { RollupRpcOptions } from "../rpc-proxy/rollup-rpc.ts";
import { addUpgrade } from "../rpc-proxy/upgrade.ts";
import { createAnswerWaits } from "./answer-waits.ts";
import { addAnsweredRoutes } from "./answered-routes.ts";
import { createApp } from "./app.ts";
import { addBatchRoute } from "./batch-route.ts";
import { createBodyCache } from "./body-cache.ts";
import { sendError } from "./errors.ts";
import { addEventRoute } from "./event-route.ts";
import { createEventStream } from "./event-stream.ts";
import { addExplorerRoute } from "./explorer-route.ts";
import { createFailureReport, type HttpLogger } from "./failure-report.ts";
import { createFront } from "./front.ts";
import { createGuard } from "./guard.ts";
import { createHandlers } from "./handlers.ts";
import { createKeptAnswers } from "./kept-answers.ts";
import { DEFAULT_HTTP_LIMITS, type HttpLimits } from "./limits.ts";
import type { NodeView } from "./node-view.ts";
import { refuseUnrouted } from "./unrouted.ts";
import { tellFaults } from "./view-faults.ts";

export interface HttpServerDependencies {
  readonly view: NodeView;
  readonly logger: HttpLogger;
  /** Milliseconds; only bounds how often the same failure is logged. */
  readonly now: () => number;
  /** Told of each request that was answered; streams count when they end. */
  readonly onAnswered?: ((answered: Answered) => void) | undefined;
}

/** One request that was answered. */
export interface Answered {
  /** The route's template, never the path that was asked for. */
  readonly route: string;
  readonly status: number;
  readonly seconds: number;
}

export interface HttpServerOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** The version of this software, for /openapi.json and /docs. */
  readonly software: string;
  readonly limits?: Partial<HttpLimits>;
  /** The proxies whose X-Forwarded-For counts, as addresses or networks; none if not given. */
  readonly trustedProxies?: readonly string[];
  /** The rollups whose RPC is offered; none if not given. */
  readonly rpc?: readonly RollupRpcOptions[];
}

export type HttpStartResult =
  | { readonly ok: true; readonly url: string; readonly port: number }
  | { readonly ok: false; readonly code: "port-taken" | "cannot-listen"; readonly message: string };

/** The public, read-only HTTP server of a node. */
export interface HttpServer {
  start(): Promise<HttpStartResult>;
  /** What is held in each bounded table. */
  queues(): readonly QueueLoad[];
  /** Ends the event streams, lets requests under way finish, and closes within two seconds. */
  stop(): Promise<void>;
}

/** How often connections that have become idle are closed while the server stops. */
const SWEEP_MS = 50;

/** Serves the route table from a node's view. */
export function createHttpServer(
  dependencies: HttpServerDependencies,
  options: HttpServerOptions,
): HttpServer {
  const { view } = dependencies;
  const limits: HttpLimits = { ...DEFAULT_HTTP_LIMITS, ...options.limits };
  const { onAnswered } = dependencies;
  const reportFailure = createFailureReport(dependencies);
  const cache = createBodyCache({ maxBytes: limits.maxCachedBytes });
  const kept = createKeptAnswers({ cache });
  let isStopping = false;
  const guard = createGuard(limits, options.trustedProxies ?? []);
  const { admission } = guard;
  const front = createFront({ admission, kept }, { onAnswered, isOpen: () => !isStopping });
  const app = createApp(limits, front);
  guard.watch(app.server);
  const events = createEventStream({ view, reportFailure }, limits);
  // No answer of before an event is given to whom it has woken.
  const waits = createAnswerWaits({ view, reportFailure, onEvent: kept.clear }, limits);
  const handlers = tellFaults(createHandlers({ view, cache }, { software: options.software }));
  const proxy = createRpcProxy({ view, reportFailure, admission }, options.rpc ?? []);

  app.addHook("onRequest", (request, reply, done) => {
    if (isStopping) sendError(reply.header("connection", "close"), "unavailable");
    else if ((request.raw.url ?? "").length > limits.maxUrlBytes) sendError(reply, "uri-too-long");
    else if (request.is404) refuseUnrouted(request, reply);
    else done();
  });
  // A hook costs each request its time, also where nobody counts answers.
  if (onAnswered !== undefined) {
    app.addHook("onResponse", (request, reply, done) => {
      const route = request.is404 ? "unrouted" : (request.routeOptions.url ?? "unrouted");
      const seconds = reply.elapsedTime / 1_000;
      onAnswered({ route, status: reply.statusCode, seconds });
      done();
    });
  }
  app.setErrorHandler((error, _request, reply) => {
    reportFailure("framework", error);
    return sendError(reply, "internal");
  });
  const { requestTimeoutMs: timeoutMs, maxBatchBytes } = limits;
  const shared = { handlers, admission, reportFailure };
  addAnsweredRoutes(app, { ...shared, waits, kept }, { timeoutMs });
  addBatchRoute(app, shared, { timeoutMs, maxBatchBytes });
  addEventRoute(app, { view, events, admission });
  addRpcRoute(app, { view, proxy, admission, reportFailure });
  addExplorerRoute(app, siteFolder);
  addUpgrade(app.server, proxy);

  return {
    queues: () => [
      ...guard.queues(),
      { queue: "event-clients", depth: events.clientCount(), capacity: limits.maxEventClients },
      { queue: "answer-waits", depth: waits.count(), capacity: limits.maxWaits },
      ...proxy.queues(),
    ],
    async start() {
      const { port } = options;
      // By that name fastify would open a second server, without this one's bounds.
      const host = options.host === "localhost" ? "127.0.0.1" : options.host;
      try {
        await app.listen({ host, port });
      } catch (cause) {
        guard.stop();
        await app.close();
        return startFailure(cause, { host, port });
      }
      guard.start();
      events.start();
      waits.start();
      const bound = app.server.address() as AddressInfo;
      const name = bound.family === "IPv6" ? `[${bound.address}]` : bound.address;
      return { ok: true, url: `http://${name}:${bound.port}`, port: bound.port };
    },
    async stop() {
      isStopping = true;
      events.stop();
      waits.stop();
      const cut = setTimeout(() => app.server.closeAllConnections(), limits.stopMs);
      // One that was answered meanwhile would be kept open for the next request.
      const sweep = setInterval(() => app.server.closeIdleConnections(), SWEEP_MS);
      proxy.stop();
      await app.close();
      await proxy.close();
      guard.stop();
      clearInterval(sweep);
      clearTimeout(cut);
    },
  };
}

function startFailure(
  cause: unknown,
  at: { readonly host: string; readonly port: number },
): HttpStartResult {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  if (code === "EADDRINUSE") {
    const message =
      `Port ${at.port} on ${at.host} is taken. Stop what listens there, or choose another ` +
      "port: `api.port` in the configuration, or MACH_API_PORT in the environment.";
    return { ok: false, code: "port-taken", message };
  }
  const message = `Cannot listen on ${at.host}, port ${at.port} (${String(code ?? cause)}).`;
  return { ok: false, code: "cannot-listen", message };
}
