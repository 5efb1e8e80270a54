import { encodeCertificate } from "@mach/api";
import { afterEach, beforeEach, expect, it } from "vitest";
import {
  certificateFromText,
  createNodeReader,
  type NodeEvent,
  signerIndices,
} from "../src/reader.ts";
import { type ReplayedNode, startNode } from "./replayed-node.ts";
import { certify, chainTo, claimOf, finalityStatus, ROLLUP } from "./signed-network.ts";

const CHAIN = chainTo(4);
const CERTIFICATE = certify(
  claimOf(CHAIN[4] ?? { blockNumber: 0n, blockHash: "0x", header: "0x" }),
);

let node: ReplayedNode;
beforeEach(async () => {
  node = await startNode();
});
afterEach(async () => {
  await node.stop();
});

it("reads what a node says, and names the node by its origin", async () => {
  node.put(`/v1/rollups/${ROLLUP}/finality`, finalityStatus(CERTIFICATE, 4n));
  const reader = createNodeReader({ endpoint: node.url });
  expect(reader.endpoint).toBe(node.url);
  const result = await reader.get("finality", { rollupId: ROLLUP });
  expect(result).toMatchObject({ ok: true, answer: { data: { fastFinal: { blockNumber: 4n } } } });
});

it.each(["ftp://node.example", "https://node.example/v1", "https://u:p@node.example", ""])(
  "refuses %j, which is no origin",
  (endpoint) => {
    expect(() => createNodeReader({ endpoint })).toThrowError(
      expect.objectContaining({ code: "bad-option" }),
    );
  },
);

it("follows events, and tells of those that were lost or cannot be read", async () => {
  const reader = createNodeReader({ endpoint: node.url });
  const end = new AbortController();
  const events: NodeEvent[] = [];
  const opened: boolean[] = [];
  let onGap = (): void => undefined;
  const gap = new Promise<void>((resolve) => {
    onGap = resolve;
  });
  const following = reader.follow(
    { topics: ["certificate"], rollupId: ROLLUP, signal: end.signal },
    {
      onEvent: (event) => events.push(event),
      onGap: () => onGap(),
      onOpen(isOpen) {
        opened.push(isOpen);
        if (!isOpen) return;
        node.push("1", CERTIFICATE);
        node.pushGap();
      },
    },
  );
  await gap;
  end.abort();
  await following;
  expect(events.map(({ topic }) => topic)).toEqual(["certificate"]);
  expect(events[0]?.answer.data).toMatchObject({ certificateId: CERTIFICATE.certificateId });
  expect(opened).toEqual([true, false]);
  expect(node.asked.at(-1)).toBe(`/v1/events?topics=certificate&rollupId=${ROLLUP}`);
});

it("finds a certificate in its JSON and in an answer that holds it, and in nothing else", () => {
  const document = encodeCertificate(CERTIFICATE);
  const { certificateId } = CERTIFICATE;
  expect(certificateFromText(JSON.stringify(document))).toMatchObject({ certificateId });
  expect(certificateFromText(JSON.stringify({ data: document, rule: {} }))).toMatchObject({
    certificateId,
  });
  for (const text of [
    "",
    "{",
    "null",
    "[]",
    '{"data":null}',
    JSON.stringify({ ...document, x: 1 }),
  ]) {
    expect(certificateFromText(text)).toBeNull();
  }
});

it("names signers only of a bitfield that is of the set's size", () => {
  expect(signerIndices(CERTIFICATE, 4)).toEqual([0, 1]);
  expect(signerIndices(CERTIFICATE, 9)).toBeNull();
  expect(signerIndices({ signers: "0xff" }, 4)).toBeNull();
});
