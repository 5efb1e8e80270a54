import "../../packages/node/src/polyfill.ts";
import { setTimeout as sleep } from "node:timers/promises";
import { type Claim, type Domain, type Hex, toHex } from "@mach/core";
import { createGossip, type Gossip } from "@mach/node";
import { cpuMicros } from "./rounds.ts";

export const DOMAIN: Domain = { chainId: 31_337n, verifyingContract: `0x${"c1".repeat(20)}` };

/** A node's gossip, with handlers that accept everything: what it costs is the gossip's alone. */
export type GossipNode = {
  start(options: { readonly folder: string; readonly bootNodes: readonly string[] }): Promise<{
    readonly addresses: readonly string[];
  }>;
  peers(): number;
  /** Publishes `ticks` times, `perTick` attestations in one message or in one each. */
  publish(options: {
    readonly ticks: number;
    readonly perTick: number;
    readonly pauseMs: number;
    readonly isBatched: boolean;
  }): Promise<void>;
  /** How many attestations of others have come so far. */
  received(): number;
  cpuMicros(): number;
};

const silent = (): void => undefined;

/** The role of a child process. */
export function createRole(): GossipNode {
  let gossip: Gossip | null = null;
  let received = 0;
  let height = 0n;
  const operator = toHex(operatorBytes());
  const accept = async (): Promise<{ accept: true }> => ({ accept: true });

  function publishOne(): void {
    height += 1n;
    const signature = new Uint8Array(192).fill(7);
    gossip?.publishAttestation({ claim: claimAt(height), operator, signature });
  }

  return {
    async start({ folder, bootNodes }) {
      gossip = createGossip(
        {
          dataDir: folder,
          domain: DOMAIN,
          host: "127.0.0.1",
          port: 0,
          bootNodes,
          limits: { flushDelayMs: 0 },
          now: () => Date.now(),
          logger: { debug: silent, info: silent, warn: silent, error: silent },
        },
        {
          encodeEvidence: () => new Uint8Array(),
          decodeEvidence: () => null,
          async onAttestations(attestations) {
            received += attestations.length;
            return { accept: true };
          },
          onCertificate: accept,
          onEvidence: accept,
          onSetUpdate: accept,
          verifyBinding: () => false,
          serveCertificates: () => [],
          serveAttestations: () => [],
          serveEvidence: () => [],
          serveSetUpdates: () => [],
          serveHeads: () => [],
          onPeerReady: silent,
        },
      );
      await gossip.start();
      return { addresses: gossip.addresses() };
    },
    peers: () => gossip?.peers().length ?? 0,
    async publish({ ticks, perTick, pauseMs, isBatched }) {
      for (let tick = 0; tick < ticks; tick++) {
        for (let i = 0; i < perTick; i++) {
          publishOne();
          // The outbox sends at the end of a turn: a turn for each is a message for each.
          if (!isBatched) await new Promise(setImmediate);
        }
        await sleep(pauseMs);
      }
    },
    received: () => received,
    cpuMicros,
  };
}

/** Each process publishes as an operator of its own: equal messages would be one. */
function operatorBytes(): Uint8Array {
  const bytes = Buffer.alloc(20);
  bytes.writeUInt32BE(process.pid);
  return new Uint8Array(bytes);
}

function claimAt(blockNumber: bigint): Claim {
  const hash = (fill: string): Hex => `0x${fill.repeat(32)}`;
  return {
    rollupId: 901n,
    blockNumber,
    blockHash: `0x${blockNumber.toString(16).padStart(64, "0")}`,
    stateRoot: hash("22"),
    outputRoot: hash("33"),
    timestamp: 1_700_000_000n + blockNumber,
    epoch: 3n,
    verification: 1,
  };
}
