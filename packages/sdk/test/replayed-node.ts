import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import {
  certificateRule,
  encodeBadgeRule,
  encodeCertificate,
  encodeOperatorSet,
  encodeSetUpdate,
} from "@mach/api";
import type { OperatorSet, SetUpdate, VerifiedCertificate } from "@mach/core";
import {
  blockStatus,
  finalityStatus,
  headersBetween,
  ROLLUP,
  setOf,
  type TestBlock,
  updateInto,
} from "./signed-network.ts";

/** A server that answers each path with a document, as a node that recorded it would. */
export interface ReplayedNode {
  readonly url: string;
  /** The paths that were asked for, in order. */
  readonly asked: readonly string[];
  /** The Last-Event-ID of each event stream that was opened. */
  readonly resumed: readonly (string | undefined)[];
  put(path: string, data: unknown): void;
  /** As `put`, of the whole body. */
  putRaw(path: string, body: unknown): void;
  forget(path: string): void;
  putSet(operatorSet: OperatorSet): void;
  putUpdate(update: SetUpdate): void;
  /** Serves a chain whose block `certified` has a certificate, with all that is below it. */
  putChain(chain: readonly TestBlock[], certificate: VerifiedCertificate | null): void;
  /** Pushes a certificate to every open event stream. */
  push(id: string, certificate: VerifiedCertificate): void;
  /** Pushes the document of the rollup's finality, as it is served, to every open event stream. */
  pushFinality(): void;
  /** Tells every event stream that something was lost. */
  pushGap(): void;
  /** Ends every event stream. */
  cut(): void;
  readonly streams: () => number;
  /** From now on no event stream opens. */
  refuseStreams(): void;
  /** From now on no request is answered. */
  hang(): void;
  stop(): Promise<void>;
}

const ANY_ORIGIN = {
  "access-control-allow-origin": "*",
  "access-control-allow-headers": "last-event-id",
};

/** Starts one with the sets of epochs 2 and 3 and the update between them. */
export async function startNode(): Promise<ReplayedNode> {
  const documents = new Map<string, unknown>();
  const asked: string[] = [];
  const resumed: (string | undefined)[] = [];
  const streams = new Set<ServerResponse>();
  let isHanging = false;
  let hasStreams = true;
  const server = createServer((request, response) => {
    const path = request.url ?? "/";
    asked.push(path);
    if (isHanging) return;
    if (hasStreams && path.startsWith("/v1/events")) {
      resumed.push(request.headers["last-event-id"]?.toString());
      response.writeHead(200, { ...ANY_ORIGIN, "content-type": "text/event-stream" });
      response.write("retry: 10\n\n");
      streams.add(response);
      response.on("close", () => streams.delete(response));
      return;
    }
    const known = documents.get(path);
    const body = known ?? { code: "not-yet", message: "" };
    const status = known === undefined ? 404 : 200;
    response.writeHead(status, { ...ANY_ORIGIN, "content-type": "application/json" });
    response.end(JSON.stringify(body));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const node: ReplayedNode = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    asked,
    resumed,
    put: (path, data) => documents.set(path, { data }),
    putRaw: (path, body) => documents.set(path, body),
    forget: (path) => documents.delete(path),
    putSet: (set) => node.put(`/v1/epochs/${set.epoch}`, encodeOperatorSet(set)),
    putUpdate: (update) => node.put(`/v1/epochs/${update.epoch}/update`, encodeSetUpdate(update)),
    putChain(chain, certificate) {
      const top = Number(certificate?.claim.blockNumber ?? -1n);
      for (const [number, block] of chain.entries()) {
        const covering = number <= top ? certificate : null;
        const status = blockStatus(block, covering, headersBetween(chain, top, number));
        node.put(`/v1/rollups/${ROLLUP}/blocks/${number}`, status);
        node.put(`/v1/rollups/${ROLLUP}/blocks/${block.blockHash}`, status);
      }
      const head = BigInt(chain.length - 1);
      node.put(`/v1/rollups/${ROLLUP}/finality`, finalityStatus(certificate, head));
    },
    push(id, certificate) {
      const rule = encodeBadgeRule(certificateRule(certificate));
      const data = JSON.stringify({ data: encodeCertificate(certificate), rule });
      for (const each of streams) each.write(`event: certificate\nid: ${id}\ndata: ${data}\n\n`);
    },
    pushFinality() {
      const data = JSON.stringify(documents.get(`/v1/rollups/${ROLLUP}/finality`));
      for (const each of streams) each.write(`event: finality\ndata: ${data}\n\n`);
    },
    pushGap() {
      for (const each of streams) each.write('event: gap\ndata: {"data":null}\n\n');
    },
    cut() {
      for (const each of streams) each.end();
    },
    streams: () => streams.size,
    refuseStreams() {
      hasStreams = false;
    },
    hang() {
      isHanging = true;
    },
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
  // Signed once: in plain JavaScript it takes its time.
  known ??= { before: setOf(2n), now: setOf(3n), update: updateInto(setOf(3n), setOf(2n)) };
  node.putSet(known.before);
  node.putSet(known.now);
  node.putUpdate(known.update);
  return node;
}

let known:
  | { readonly before: OperatorSet; readonly now: OperatorSet; readonly update: SetUpdate }
  | undefined;
