import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { stackOf } from "@mach/rollups";
import type { QueueLoad } from "../gossip/handlers.ts";
import type { Admission } from "../http/admission.ts";
import { markStreaming } from "../http/errors.ts";
import type { ReportFailure } from "../http/failure-report.ts";
import type { NodeView } from "../http/node-view.ts";
import { createHeadFeed } from "./head-feed.ts";
import { readRpcPlace } from "./place.ts";
import { createRollupRpc, type RollupRpc, type RollupRpcOptions, shareOf } from "./rollup-rpc.ts";
import { createSocketServer, refuseUpgrade, type SocketServer } from "./socket-server.ts";
import type { CheckBlock } from "./upstream.ts";
import { createUpstreamFeeds } from "./upstream-feeds.ts";

/** The RPC of every rollup that it is offered for. */
export interface RpcProxy {
  rollup(rollupId: bigint): RollupRpc | undefined;
  /** The largest message that any of them reads. */
  readonly maxRequestBytes: number;
  /** Takes over a connection that asks for a WebSocket. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** What is held in each bounded table, over all rollups. */
  queues(): readonly QueueLoad[];
  /** Closes every WebSocket, and takes no new one. */
  stop(): void;
  /** Closes the connections to the nodes: once nobody waits for an answer. */
  close(): Promise<void>;
}

export interface RpcProxyDependencies {
  readonly view: NodeView;
  readonly admission: Admission;
  readonly reportFailure: ReportFailure;
}

/** Different subscriptions of one rollup that nodes push at once, each over its own connection. */
const MAX_FEEDS = 256;

/** Serves the RPC of rollups over HTTP and WebSocket. */
export function createRpcProxy(
  dependencies: RpcProxyDependencies,
  rollups: readonly RollupRpcOptions[],
): RpcProxy {
  const { view, admission, reportFailure } = dependencies;
  const served = new Map(
    rollups.map((options) => {
      const checkBlock = createBlockCheck(dependencies, options.rollupId);
      const rpc = createRollupRpc({ view, checkBlock, admission, reportFailure }, options);
      return [options.rollupId, { rpc, sockets: createSockets(dependencies, rpc) }] as const;
    }),
  );
  let isStopping = false;
  return {
    rollup: (rollupId) => served.get(rollupId)?.rpc,
    maxRequestBytes: Math.max(0, ...rollups.map(({ maxRequestBytes }) => maxRequestBytes)),
    upgrade(request, socket, head) {
      // Nobody else listens to it any more: without this an error would end the process.
      socket.on("error", () => {});
      const place = readRpcPlace(request.url ?? "");
      const sockets = place === null ? undefined : served.get(place.rollupId)?.sockets;
      if (isStopping) {
        socket.destroy();
      } else if (admission.charge(admission.addressOf(request), 1) > 0) {
        refuseUpgrade(socket, "429 Too Many Requests");
      } else if (admission.isOverloaded()) {
        refuseUpgrade(socket, "503 Service Unavailable");
      } else if (place === null || sockets === undefined) {
        refuseUpgrade(socket, "404 Not Found");
      } else {
        markStreaming(request);
        sockets.accept(request, { socket, head, tags: place.tags });
      }
    },
    queues() {
      if (rollups.length === 0) return [];
      const all = [...served.values()];
      const sum = (count: (each: (typeof all)[number]) => number): number =>
        all.reduce((total, each) => total + count(each), 0);
      const depths: readonly (readonly [string, number, number])[] = [
        ["rpc-calls", sum(({ rpc }) => rpc.openCalls()), sum(({ rpc }) => rpc.options.maxInFlight)],
        [
          "rpc-filters",
          sum(({ rpc }) => rpc.filterCount()),
          sum(({ rpc }) => rpc.options.maxFilters),
        ],
        [
          "rpc-sockets",
          sum(({ sockets }) => sockets.clientCount()),
          sum(({ rpc }) => rpc.options.maxSockets),
        ],
      ];
      return depths.map(([queue, depth, capacity]) => ({ queue, depth, capacity }));
    },
    stop() {
      isStopping = true;
      for (const { sockets } of served.values()) sockets.stop();
    },
    async close() {
      await Promise.all([...served.values()].map(({ rpc }) => rpc.close()));
    },
  };
}

function createSockets(dependencies: RpcProxyDependencies, rpc: RollupRpc): SocketServer {
  const { pool, readHead, checkHead, options } = rpc;
  const { rollupId, wsUrls, timeoutMs, maxResponseBytes } = options;
  const heads = createHeadFeed({ ...dependencies, pool, readHead, checkHead }, { rollupId });
  const limits = { timeoutMs, maxResponseBytes, maxFeeds: MAX_FEEDS };
  const feeds = createUpstreamFeeds({ urls: wsUrls, ...limits });
  const { admission } = dependencies;
  const maxSocketsPerAddress = shareOf(options.maxSockets, options);
  return createSocketServer({ rpc, heads, feeds, admission }, { ...options, maxSocketsPerAddress });
}

/** The header's hash by the rules of the rollup's stack, which the registry tells. */
function createBlockCheck(
  { view, reportFailure }: RpcProxyDependencies,
  rollupId: bigint,
): CheckBlock {
  return async (rawBlock) => {
    try {
      const rollup = await view.rollup(rollupId);
      if (!rollup.ok) return { ok: false, code: "unavailable" };
      const checked = stackOf(rollup.value.stack).checkBlock(rawBlock);
      return checked.ok ? checked : { ok: false, code: "invalid" };
    } catch (error) {
      reportFailure("rpc", error);
      return { ok: false, code: "unavailable" };
    }
  };
}
