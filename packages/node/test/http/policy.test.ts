import { connect } from "node:net";
import type { BlockStatus, Finality } from "@mach/api";
import { toCertificate } from "@mach/core";
import { describe, expect, test } from "vitest";
import type { NodeView } from "../../src/http/node-view.ts";
import { certifiedBlock, finality, fixture, rollupId, unknownBlock } from "./memory-view.ts";
import { PATHS, readCode, startTestServer } from "./test-server.ts";

const { certificate } = fixture;
const { blockNumber } = certificate.claim;
const { signedWeight } = certificate;

/** All of the set has signed the fixture's certificate, at level 2. */
const MET = ["minWeightBps=10000", "minVerification=2", `minSignedWeight=${signedWeight}`];
const UNMET = [`minSignedWeight=${signedWeight + 1n}`];

/** The same facts, with a third of the weight missing. */
const lightRule = { ...certifiedBlock.rule, signedWeight: (signedWeight * 7n + 9n) / 10n };

const SUBJECTS = ["finality", "block", "transaction", "certificate", "certificateById"] as const;

describe.each(SUBJECTS)("%s under a policy", (id) => {
  test("is the answer itself where the policy is met", async () => {
    const { url } = await startTestServer();
    const plain = await (await fetch(`${url}${PATHS[id]}`)).json();
    for (const query of [...MET, MET.join("&")]) {
      const response = await fetch(`${url}${PATHS[id]}?${query}`);
      expect([query, response.status]).toEqual([query, 200]);
      expect(await response.json()).toEqual(plain);
    }
  });

  test("is not-yet where it is not, also once the bytes are kept, and is not cached", async () => {
    const { url } = await startTestServer();
    await fetch(`${url}${PATHS[id]}`);
    for (const query of [...UNMET, [...MET.slice(0, 2), ...UNMET].join("&")]) {
      const response = await fetch(`${url}${PATHS[id]}?${query}`);
      expect([query, response.status]).toEqual([query, 404]);
      expect(await response.json()).toMatchObject({ code: "not-yet" });
      expect(response.headers.get("cache-control")).toBe("no-store");
      expect(response.headers.get("etag")).toBeNull();
    }
    expect((await fetch(`${url}${PATHS[id]}`)).status).toBe(200);
  });

  test("is refused where a demand has the wrong form", async () => {
    const { url } = await startTestServer();
    for (const query of [
      "minWeightBps=6666",
      "minWeightBps=10001",
      "minWeightBps=07000",
      "minVerification=3",
      "minSignedWeight=-1",
      "minSignedWeight=1&minSignedWeight=2",
    ]) {
      expect([query, ...(await readCode(`${url}${PATHS[id]}?${query}`))]).toEqual([
        query,
        400,
        "malformed",
      ]);
    }
  });
});

test("a view that gives a weaker answer than was asked for is not believed", async () => {
  const weakFinality: Finality = { ...finality, rule: lightRule };
  const weakBlock: BlockStatus = { ...certifiedBlock, rule: lightRule };
  const parts: Partial<NodeView> = {
    finality: () => ({ ok: true, value: weakFinality }),
    block: () => ({ ok: true, value: weakBlock }),
  };
  const { url } = await startTestServer({ parts });
  for (const path of [PATHS.finality, PATHS.block]) {
    expect(await readCode(`${url}${path}?minWeightBps=7000`)).toEqual([200, undefined]);
    expect(await readCode(`${url}${path}?minWeightBps=7001`)).toEqual([404, "not-yet"]);
  }
});

test.each(["unknown", "observed", "attested"] as const)(
  "a block that is %s is 200 when it is looked at, and not-yet when it is asked to be final",
  async (status) => {
    const value = { ...unknownBlock, status };
    const { url } = await startTestServer({ parts: { block: () => ({ ok: true, value }) } });
    expect(await readCode(`${url}${PATHS.block}`)).toEqual([200, undefined]);
    expect(await readCode(`${url}${PATHS.block}?wait=0`)).toEqual([404, "not-yet"]);
    expect(await readCode(`${url}${PATHS.block}?minVerification=1`)).toEqual([404, "not-yet"]);
  },
);

test("what L1 has finalised without a certificate is a yes to who waits, and none to a policy", async () => {
  const value: BlockStatus = { ...unknownBlock, status: "finalized" };
  const { url } = await startTestServer({ parts: { block: () => ({ ok: true, value }) } });
  expect(await readCode(`${url}${PATHS.block}?wait=0`)).toEqual([200, undefined]);
  expect(await readCode(`${url}${PATHS.block}?minVerification=1`)).toEqual([404, "not-yet"]);
});

test("a contradicted block is contradicted to whoever asks for a yes", async () => {
  const value: BlockStatus = {
    ...certifiedBlock,
    status: "contradicted",
    certificate: toCertificate(certificate),
  };
  const { url } = await startTestServer({ parts: { block: () => ({ ok: true, value }) } });
  expect(await readCode(`${url}${PATHS.block}`)).toEqual([200, undefined]);
  expect(await readCode(`${url}${PATHS.block}?wait=5`)).toEqual([409, "contradicted"]);
  expect(await readCode(`${url}${PATHS.block}?minWeightBps=6667`)).toEqual([409, "contradicted"]);
});

test("finality from a height on", async () => {
  const { url } = await startTestServer();
  const ask = (from: bigint) => readCode(`${url}${PATHS.finality}?minBlockNumber=${from}`);
  expect(await ask(blockNumber)).toEqual([200, undefined]);
  expect(await ask(blockNumber + 1n)).toEqual([404, "not-yet"]);
});

test("one turn's answers to different policies are not one another's", async () => {
  const { port } = await startTestServer();
  const far = `?minBlockNumber=${blockNumber + 1n}`;
  const queries = ["", "?minWeightBps=10000", `?${UNMET[0]}`, "?wait=0", far, "?minBlockNumber=1"];
  const asked = queries.flatMap((query) => [query, query]);
  const requests = asked.map((query, i) => {
    const connection = i === asked.length - 1 ? "close" : "keep-alive";
    return `GET ${PATHS.finality}${query} HTTP/1.1\r\nhost: x\r\nconnection: ${connection}\r\n\r\n`;
  });
  const socket = connect(port, "127.0.0.1");
  // In one piece, so that all are read in one turn.
  socket.setEncoding("utf8").write(requests.join(""));
  let text = "";
  for await (const piece of socket) text += piece;
  const statuses = [...text.matchAll(/HTTP\/1\.1 ([0-9]{3}) /g)].map(([, status]) =>
    Number(status),
  );
  expect(statuses).toEqual([200, 200, 200, 200, 404, 404, 200, 200, 404, 404, 200, 200]);
});

test("a list leaves out what does not meet the policy, and still goes on", async () => {
  const page = { data: [certificate], next: 7n };
  const { client } = await startTestServer({
    parts: { certificates: () => ({ ok: true, value: page }) },
  });
  const ask = (minSignedWeight: bigint) =>
    client.get("certificates", { rollupId, minSignedWeight });
  expect(await ask(signedWeight)).toMatchObject({ answer: { data: [{}], next: 7n } });
  expect(await ask(signedWeight + 1n)).toEqual({ ok: true, answer: { data: [], next: 7n } });
});
