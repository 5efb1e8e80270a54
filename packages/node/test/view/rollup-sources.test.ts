import type { SourceDescription } from "@mach/rollups";
import { expect, it } from "vitest";
import { UNREAD_STATUS } from "../../src/engine/settled-claims-follower.ts";
import { rollupSources } from "../../src/view/rollup-sources.ts";
import { rollup } from "../http/memory-view.ts";
import { documentOf } from "./documents.ts";

const SOURCE: SourceDescription = {
  host: "rpc.example.org",
  transport: "websocket",
  status: "faulty",
  code: "disagrees",
  sinceMs: 1_700_000_000_999,
  headBlockNumber: 7n,
  finalizedBlockNumber: 3n,
  finalizedCode: null,
  lagBlocks: 0n,
  agreed: 3,
  failed: 1,
};

const SETTLED = { status: () => UNREAD_STATUS };

it("readers are told each source's host, state and reason, and the rule of agreement", () => {
  const told = rollupSources(
    [{ rollupId: 5n, agree: 2 }],
    { sources: () => [SOURCE] },
    SETTLED,
  )(5n);
  const [document] = documentOf("rollups", [{ ...rollup, ...told }]) as [object];
  expect(document).toMatchObject({
    agree: 2,
    sources: [
      {
        label: "rpc.example.org",
        transport: "websocket",
        status: "faulty",
        code: "disagrees",
        since: "1700000000",
        headBlockNumber: "7",
        finalizedBlockNumber: "3",
        finalizedCode: null,
        lagBlocks: "0",
        agreed: 3,
        failed: 1,
      },
    ],
  });
});

it("a rollup that is not followed yet has no sources", () => {
  const told = rollupSources([], { sources: () => [] }, SETTLED)(5n);
  expect(told).toEqual({ agree: 0, sources: [], settlement: UNREAD_STATUS });
});
