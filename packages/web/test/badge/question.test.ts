import { expect, it } from "vitest";
import { type QuestionAttribute, readQuestion } from "../../src/badge/question.ts";

const HASH = `0x${"ab".repeat(32)}`;
const NETWORK = {
  chainId: "1",
  registry: `0x${"51".repeat(20)}`,
  genesisTime: "1760000000",
  epochSeconds: "86400",
};
type Attributes = Partial<Record<QuestionAttribute, string>>;
const LEAST: Attributes = { endpoints: "https://a.example", rollup: "901", transaction: HASH };

function read(attributes: Attributes) {
  return readQuestion((name) => attributes[name] ?? null);
}

it("the least that is asked for is an endpoint, a rollup and a subject", () => {
  expect(read(LEAST)).toMatchObject({
    ok: true,
    question: {
      endpoints: ["https://a.example/"],
      rollupId: 901n,
      subject: { kind: "transaction", hash: HASH },
      policy: { minWeightBps: 6667, minVerification: 1, minSignedWeight: 0n },
      trust: null,
      staleAfterMs: 30_000,
    },
  });
});

it("everything else is read as it is written", () => {
  const { transaction: _, ...rest } = LEAST;
  const read42 = read({
    ...rest,
    endpoints: " https://a.example,\n http://127.0.0.1:4500/ ",
    height: "42",
    "min-weight-bps": "7500",
    "min-verification": "2",
    "min-signed-weight": "1000000",
    "stale-after": "10",
    network: JSON.stringify({ ...NETWORK, acceptanceWindowSeconds: "60", more: "unread" }),
    trust: "https://l1-a.example/key https://l1-b.example",
  });
  expect(read42).toMatchObject({
    ok: true,
    question: {
      endpoints: ["https://a.example/", "http://127.0.0.1:4500/"],
      subject: { kind: "block", block: 42n },
      policy: { minWeightBps: 7500, minVerification: 2, minSignedWeight: 1_000_000n },
      trust: {
        network: { chainId: 1n, epochSeconds: 86_400n, acceptanceWindowSeconds: 60n },
        trust: { l1: { rpcUrls: ["https://l1-a.example/key", "https://l1-b.example"] } },
      },
      staleAfterMs: 10_000,
    },
  });
  const pinned = read({ ...LEAST, network: JSON.stringify(NETWORK), trust: `7:${HASH}` });
  expect(pinned).toMatchObject({ question: { trust: { trust: { epoch: 7n } } } });
});

it.each<[QuestionAttribute, Attributes]>([
  ["endpoints", { endpoints: "" }],
  ["endpoints", { endpoints: "a.example" }],
  ["endpoints", { endpoints: "https://a.example https://a.example/" }],
  ["endpoints", { endpoints: "https://user:secret@a.example" }],
  ["endpoints", { endpoints: "https://a.example/path" }],
  ["endpoints", { endpoints: Array.from({ length: 17 }, (_, i) => `https://${i}.example`).join() }],
  ["rollup", { rollup: "" }],
  ["rollup", { rollup: "0x385" }],
  ["rollup", { rollup: "18446744073709551616" }],
  ["transaction", { transaction: "" }],
  ["transaction", { transaction: "0x12" }],
  ["height", { height: "1" }],
  ["block", { block: HASH }],
  ["block", { transaction: "", block: "42" }],
  ["height", { transaction: "", height: "-1" }],
  ["min-weight-bps", { "min-weight-bps": "6666" }],
  ["min-weight-bps", { "min-weight-bps": "10001" }],
  ["min-verification", { "min-verification": "3" }],
  ["min-signed-weight", { "min-signed-weight": "1.5" }],
  ["stale-after", { "stale-after": "1" }],
  ["network", { trust: `7:${HASH}` }],
  ["network", { trust: `7:${HASH}`, network: "{}" }],
  ["network", { trust: `7:${HASH}`, network: JSON.stringify({ ...NETWORK, chainId: 1 }) }],
  ["network", { trust: `7:${HASH}`, network: JSON.stringify({ ...NETWORK, registry: "0x51" }) }],
  ["trust", { trust: HASH, network: JSON.stringify(NETWORK) }],
  ["trust", { trust: "ws://l1.example", network: JSON.stringify(NETWORK) }],
])("%s of the wrong form is refused, whatever else is there: %j", (attribute, change) => {
  expect(read({ ...LEAST, ...change })).toEqual({ ok: false, attribute });
});
