import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { Certificate } from "@mach/core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import {
  type Behaviour,
  forge,
  type Lie,
  type LyingNode,
  openLyingNode,
} from "../../packages/rollups/test/support/lying-node.ts";
import { type LocalNetwork, startLocalNetwork } from "../../scripts/local-network/local-network.ts";
import { read, until } from "./api.ts";

type RawBlock = Readonly<Record<string, unknown>>;

const ROLLUP_ID = 901n;
const LIAR = "operator-1";
const WRONG = `0x${"66".repeat(32)}`;
const BOUND_MS = 45_000;
/** What is said of a node that has taken a lie for a block, and of one that has signed it. */
const TAKEN_IN: readonly string[] = ["reorg", "certificate-disagrees", "operator-disagrees"];

let network: LocalNetwork;
let folder: string;
let proxy: LyingNode;
let closeProxy: () => void;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "mach-lies-"));
  let upstream = "";
  const opened = await openLyingNode(() => upstream);
  proxy = opened.node;
  closeProxy = opened.close;
  network = await startLocalNetwork({
    folder: join(folder, "network"),
    stacks: ["op"],
    endpointsOf(node, { rpcUrl }) {
      upstream = rpcUrl;
      if (node !== LIAR) return null;
      // One endpoint is honest: a lie that is sound by itself has something to differ from.
      const rpcUrls = [proxy.url, rpcUrl];
      return { rpcUrls, wsUrls: [], agree: 2, pollMs: 100, timeoutMs: 1_000 };
    },
  });
});

afterAll(async () => {
  await network?.stop();
  closeProxy?.();
  rmSync(folder, { recursive: true, force: true });
});

afterEach(() => proxy.behave({ kind: "honest" }));

const heightOf = (block: unknown): bigint => BigInt(String((block as RawBlock)["number"]));

/** Changes each block of an answer. */
function aboutBlocks(change: (block: RawBlock) => unknown): Behaviour {
  return {
    kind: "lie",
    lie: ({ method, truth }) =>
      method.startsWith("eth_getBlock") && truth !== null ? change(truth as RawBlock) : undefined,
  };
}

/** Whatever comes above the first block that is asked for is another one. */
function aboveTheHead(
  answer: (asked: { readonly base: RawBlock; readonly height: bigint; truth: unknown }) => unknown,
): Behaviour {
  let base: RawBlock | null = null;
  const lie: Lie = ({ method, params, truth }) => {
    if (method !== "eth_getBlockByNumber") return undefined;
    if (params[0] === "latest") base ??= truth as RawBlock;
    if (base === null || !/^(latest|0x[0-9a-f]+)$/.test(String(params[0]))) return undefined;
    const height = params[0] === "latest" ? heightOf(truth) : BigInt(String(params[0]));
    const isTag = params[0] === "latest";
    if (!isTag && height <= heightOf(base)) return undefined;
    return answer({ base, height, truth: isTag ? truth : null });
  };
  return { kind: "lie", lie };
}

/** Blocks that the chain does not have, each sound, and linked to the one before it. */
function extraBlock(base: RawBlock, height: bigint): RawBlock {
  let block = base;
  for (let at = heightOf(base) + 1n; at <= height; at += 1n) {
    const timestamp = `0x${(BigInt(String(base["timestamp"])) + at - heightOf(base)).toString(16)}`;
    block = forge(block, { number: `0x${at.toString(16)}`, parentHash: block["hash"], timestamp });
  }
  return block;
}

const HTML = "<!doctype html><html><body>502 Bad Gateway</body></html>";

const LIES: readonly {
  readonly name: string;
  readonly behaviour: () => Behaviour;
  /** Why the operator signs nothing. */
  readonly code: string;
  /** What is held against the endpoint that lies. */
  readonly held: string;
  readonly disconnects?: true;
}[] = [
  {
    name: "a root that is not the hash's",
    behaviour: () => aboutBlocks((block) => ({ ...block, stateRoot: WRONG })),
    code: "hash-mismatch",
    held: "hash-mismatch",
  },
  {
    name: "a wrong root under a hash that fits it",
    behaviour: () => aboutBlocks((block) => forge(block)),
    code: "sources-disagree",
    held: "ready",
  },
  {
    name: "a head that stands still",
    behaviour: () => aboveTheHead(({ base, truth }) => (truth === null ? null : base)),
    code: "source-lagging",
    held: "ready",
  },
  {
    name: "heads between which blocks are missing",
    behaviour: () => {
      let shown: unknown = null;
      return aboveTheHead(({ base, truth }) => {
        if (truth === null) return null;
        shown ??= base;
        if (heightOf(truth) >= heightOf(shown) + 4n) shown = truth;
        return shown;
      });
    },
    code: "source-lagging",
    held: "ready",
  },
  {
    name: "blocks that the chain does not have",
    behaviour: () =>
      aboveTheHead(({ base, height, truth }) =>
        extraBlock(base, truth === null ? height : height + 3n),
      ),
    code: "sources-disagree",
    held: "ready",
  },
  {
    name: "another chain's id",
    behaviour: () => ({
      kind: "lie",
      lie: ({ method }) => (method === "eth_chainId" ? "0x1" : undefined),
    }),
    code: "wrong-chain",
    held: "wrong-chain",
    disconnects: true,
  },
  {
    name: "nothing at all",
    behaviour: () => ({ kind: "hang" }),
    code: "sources-unavailable",
    held: "timeout",
  },
  {
    name: "status 500",
    behaviour: () => ({ kind: "status", status: 500 }),
    code: "sources-unavailable",
    held: "http-status",
  },
  {
    name: "a huge body",
    behaviour: () => ({ kind: "body", body: " ".repeat(6_000_000), chunked: true }),
    code: "sources-unavailable",
    held: "too-large",
  },
  {
    name: "a small body that is huge unpacked",
    behaviour: () => ({
      kind: "body",
      body: gzipSync(Buffer.alloc(50_000_000, 32)),
      headers: { "content-encoding": "gzip" },
    }),
    code: "malformed",
    held: "malformed",
  },
  {
    name: "a page of HTML with status 200",
    behaviour: () => ({ kind: "body", body: HTML }),
    code: "malformed",
    held: "malformed",
  },
];

describe.each(LIES)("an operator whose endpoint answers with $name", (each) => {
  it(
    "abstains, says why, signs none of it, and signs again when the lie has ended",
    async () => {
      await until("the operator to sign", () => newestCertificate(signsIn));
      proxy.behave(each.behaviour());
      if (each.disconnects) proxy.disconnect();

      const told = await until(`abstention by ${each.code}`, async () => {
        const { abstention, sources } = await ownView();
        const [lying, honest] = sources;
        const held = lying?.code ?? lying?.status;
        if (abstention !== each.code || held !== each.held) return null;
        return { lying, honest };
      });
      expect(told.lying?.label).toBe(new URL(proxy.url).host);
      await until("the alert", async () => {
        const { data: alerts } = await read(apiUrl(), "alerts", { limit: 100 });
        const standing = alerts.filter(({ clearedAt }) => clearedAt === null);
        return standing.some(({ code }) => code === "blocks-not-trusted") ? true : null;
      });

      const height = (await newestCertificate(() => true))?.claim.blockNumber ?? 0n;
      await until("certificates without it", () =>
        newestCertificate(
          (certificate) => certificate.claim.blockNumber > height + 2n && !signsIn(certificate),
        ),
      );

      proxy.behave({ kind: "honest" });
      const resumed = await until("the operator to sign again", () => newestCertificate(signsIn));
      expect(resumed.claim.blockNumber).toBeGreaterThan(height);
      await until("its endpoints to be trusted", async () => {
        const { abstention, sources } = await ownView();
        return abstention === null && sources.every(({ status }) => status === "ready")
          ? true
          : null;
      });
      const alerts = await Promise.all(
        [apiUrl(), network.apiUrl].map((url) => read(url, "alerts", { limit: 100 })),
      );
      const codes = alerts.flatMap(({ data }) => data.map(({ code }) => code));
      expect(codes.filter((code) => TAKEN_IN.includes(code))).toEqual([]);
    },
    BOUND_MS,
  );
});

function apiUrl(): string {
  return network.operators[0]?.apiUrl ?? "";
}

async function ownView() {
  return (await read(apiUrl(), "rollup", { rollupId: ROLLUP_ID })).data;
}

/** As the observer has it, where it is such a one. */
async function newestCertificate(
  isWanted: (certificate: Certificate) => boolean,
): Promise<Certificate | null> {
  const { data } = await read(network.apiUrl, "finality", { rollupId: ROLLUP_ID });
  const { certificate } = data;
  return certificate !== null && isWanted(certificate) ? certificate : null;
}

/** Operators stand in the set by their addresses. */
function signsIn({ signers }: Certificate): boolean {
  const addresses = network.deployment.operators.map(({ address }) => address).toSorted();
  const index = addresses.indexOf(network.operators[0]?.registered.address ?? "0x");
  return ((Number.parseInt(signers.slice(2, 4), 16) >> index) & 1) === 1;
}
