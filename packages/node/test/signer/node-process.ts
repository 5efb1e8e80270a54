import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { createNativeBls } from "@mach/bls";
import {
  buildOperatorSet,
  concatHex,
  fromHex,
  type Hex,
  type OperatorSet,
  uintWord,
  type WireAttestation,
  ZERO_HASH,
} from "@mach/core";
import { expect, onTestFinished } from "vitest";
import { type Anvil, startAnvil } from "../../../rollups/test/support/anvil.ts";
import { initialiseProtection } from "../../src/signer/open-protection.ts";
import { startFakeL1 } from "../fake-l1.ts";
import { DOMAIN, TestNetwork, type TestNode } from "../gossip/network.ts";
import { lockedFolder, temporaryPath } from "./test-folders.ts";

const CLI = new URL("../../src/cli.ts", import.meta.url).pathname;
const FLAGS = ["--conditions=@mach/source", "--import", "tsx"];
export const ROLLUP_ID = 902n;
const PATIENCE = { timeout: 100_000, interval: 20 };
/** Both are needed for a certificate: one alone is left with its attestations. */
const KEYS = ["11", "22"].map((byte) => fromHex(`0x${byte.repeat(32)}`));
export const OPERATOR: Hex = `0x${"a1".repeat(20)}`;
const OTHER: Hex = `0x${"a2".repeat(20)}`;
export const IDENTITY = { domain: DOMAIN, operator: OPERATOR };

/** What a node process of an operator is put into: an L1, a chain that is mined by hand, a peer. */
export interface World {
  readonly folder: string;
  readonly dataDir: string;
  readonly chain: Anvil;
  readonly peer: TestNode;
  /** Where the peer listens. */
  readonly peerPort: number;
  /** Writes a configuration and gives its path. */
  configure(name: string, change?: object): Promise<string>;
  /** The attestations of a height that the peer has heard. */
  heard(height: bigint): readonly WireAttestation[];
  /** Ends every node, also one that another command watches. */
  stopNodes(): void;
  /** Mines a block and waits until the peer has heard the operator's attestation to it. */
  attested(): Promise<bigint>;
}

export async function createWorld(): Promise<World> {
  const folder = await temporaryPath();
  const chain = await startAnvil({ flavour: "evm" });
  const network = new TestNetwork();
  onTestFinished(() => network.close());
  const peer = await network.add();
  const peerPort = Number(/\/tcp\/(\d+)/.exec(peer.gossip.addresses()[0] ?? "")?.[1]);
  const lifeline = await holdLifelines();
  const l1 = await startFakeL1({ answers: registryOf(twoOperators()) });
  await writeFile(join(folder, "bls.key"), `0x${"11".repeat(32)}`, { mode: 0o600 });
  const dataDir = join(folder, "data");
  const held = await lockedFolder(dataDir);
  await initialiseProtection(held, IDENTITY, "never-signed");
  await held.release();
  const heard = (height: bigint): readonly WireAttestation[] =>
    peer.attestations.messages.flat().filter(({ claim }) => claim.blockNumber === height);
  return {
    folder,
    dataDir,
    chain,
    peer,
    peerPort,
    heard,
    async configure(name, change = {}) {
      const config = {
        dataDir: "data",
        network: { chainId: Number(DOMAIN.chainId), registry: DOMAIN.verifyingContract },
        l1: { rpcUrls: [l1.url], pollMs: 100 },
        rollups: [{ rollupId: Number(ROLLUP_ID), rpcUrls: [chain.httpUrl], pollMs: 50 }],
        gossip: {
          ...{ host: "127.0.0.1", port: 0, bootNodes: peer.gossip.addresses() },
          syncIntervalMs: 1_000,
        },
        operator: { address: OPERATOR, secretKeyFile: "bls.key" },
        lifelinePort: lifeline.port,
        ...change,
      };
      const file = join(folder, name);
      await writeFile(file, JSON.stringify(config));
      return file;
    },
    stopNodes: lifeline.end,
    async attested() {
      await chain.mine();
      const height = await chain.blockNumber();
      await expect.poll(() => heard(height).length, PATIENCE).toBeGreaterThan(0);
      return height;
    },
  };
}

export interface Program {
  readonly child: ChildProcess;
  stdout(): string;
  stderr(): string;
  /** Waits for a text in what it has said on either. */
  said(text: string): Promise<void>;
  /** Its exit code. */
  readonly ended: Promise<number | null>;
  /** Ends it by SIGTERM; the exit code. */
  stop(): Promise<number | null>;
}

/** The command line in a process of its own, which another command may watch. */
export function startProgram(args: readonly string[], watch: readonly string[] = []): Program {
  const [command = "", ...rest] = [...watch, process.execPath, ...FLAGS, CLI, ...args];
  const child = spawn(command, rest, { stdio: ["ignore", "pipe", "pipe"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  const output = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8");
    child[name].on("data", (text: string) => {
      output[name] += text;
    });
  }
  const ended = once(child, "close").then(([code]) => code as number | null);
  return {
    child,
    stdout: () => output.stdout,
    stderr: () => output.stderr,
    ended,
    said: (text) => expect.poll(() => output.stdout + output.stderr, PATIENCE).toContain(text),
    async stop() {
      child.kill("SIGTERM");
      return await ended;
    },
  };
}

/** Starts `mach run`; settles once the peer hears what the node signs. */
export async function startNode(
  world: World,
  configFile: string,
  watch: readonly string[] = [],
): Promise<Program> {
  const ready = world.peer.ready.length;
  const node = startProgram(["run", "--no-env", "--config", configFile], watch);
  // Its words are what tells why it does not start.
  const isReady = (): string => (world.peer.ready.length > ready ? "ready" : node.stderr());
  await expect.poll(isReady, PATIENCE).toBe("ready");
  return node;
}

/** What no node outlives, whatever ends the test. */
async function holdLifelines(): Promise<{ readonly port: number; end(): void }> {
  const held = new Set<Socket>();
  const server = createServer((socket) => {
    held.add(socket);
    socket.on("error", () => undefined).on("close", () => held.delete(socket));
    socket.resume();
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const end = (): void => {
    for (const socket of held) socket.destroy();
  };
  onTestFinished(() => {
    server.close();
    end();
  });
  return { port: (server.address() as AddressInfo).port, end };
}

function twoOperators(): (epoch: bigint) => OperatorSet {
  const bls = createNativeBls();
  const operators = [OPERATOR, OTHER].map((operator, i) => {
    const secretKey = bls.secretKeyFromBytes(KEYS[i] ?? new Uint8Array(32));
    if (secretKey === null) throw new Error("no key");
    return { operator, publicKey: bls.publicKeyOf(secretKey), weight: 1n };
  });
  return (epoch) => {
    const built = buildOperatorSet(bls, { epoch, operators });
    if (!built.ok) throw new Error(built.code);
    return built.operatorSet;
  };
}

/** What a registry answers that has fixed epoch 0, which is today, and no other. */
function registryOf(setOf: (epoch: bigint) => OperatorSet) {
  const bls = createNativeBls();
  const { operators, operatorSetHash } = setOf(0n);
  const count = uintWord(operators.length);
  const keys = operators.map(({ publicKey }) => bls.publicKeyToPoint(publicKey) ?? "0x");
  const weights = operators.map(({ weight }) => uintWord(weight));
  const list = 32 * (1 + operators.length);
  const offsets = [96, 96 + list, 96 + list + 32 + 128 * operators.length];
  const stack = `0x${Buffer.from("evm").toString("hex").padEnd(64, "0")}` as const;
  const rollup = [
    uintWord(ROLLUP_ID),
    stack,
    uintWord(1),
    uintWord(6_667),
    uintWord(1),
    uintWord(0),
  ];
  const addresses = operators.map(({ operator }) => uintWord(BigInt(operator)));
  return {
    "genesisTime()": uintWord(BigInt(Math.floor(Date.now() / 1_000) - 86_400)),
    "epochSeconds()": uintWord(10n ** 9n),
    "operatorSetHash(uint64)": (epoch: bigint) => (epoch === 0n ? operatorSetHash : ZERO_HASH),
    "operatorsAt(uint64)": concatHex(
      ...offsets.map((each) => uintWord(each)),
      ...[count, ...addresses, count, ...keys, count, ...weights],
    ),
    "rollupsAt(uint64)": concatHex(uintWord(32), uintWord(1), ...rollup),
  };
}
