import { expect, it } from "vitest";
import { linkTo, parseRoute, type Route } from "../../src/explorer/route.ts";

const HASH = `0x${"ab".repeat(32)}` as const;
const ADDRESS = `0x${"cd".repeat(20)}` as const;

const ROUTES: readonly Route[] = [
  { page: "overview" },
  { page: "rollup", rollupId: 901n },
  { page: "block", rollupId: 901n, block: 42n },
  { page: "block", rollupId: 901n, block: HASH },
  { page: "transaction", rollupId: 901n, hash: HASH },
  { page: "certificate", certificateId: HASH },
  { page: "operators", epoch: null },
  { page: "operators", epoch: 7n },
  { page: "operator", operator: ADDRESS },
  { page: "evidence" },
  { page: "alerts" },
  { page: "check" },
  { page: "trust" },
  { page: "search", text: "901/42 # a?b" },
];

it.each(ROUTES.map((route) => [linkTo(route), route] as const))("%s leads back", (link, route) => {
  expect(parseRoute(link)).toEqual(route);
});

it("takes hashes and addresses in any case", () => {
  const upper = `#/certificates/0x${"AB".repeat(32)}`;
  expect(parseRoute(upper)).toEqual({ page: "certificate", certificateId: HASH });
});

it.each([
  "#/rollups",
  "#/rollups/-1",
  "#/rollups/18446744073709551616",
  "#/rollups/901/blocks/0x12",
  "#/rollups/901/blocks/1/more",
  "#/rollups/x/blocks/1",
  "#/operators/0x12",
  "#/certificates/42",
  "#/%E0%A4%A/1",
  "#/__proto__",
])("%s is no page", (link) => {
  expect(parseRoute(link).page).toBe("not-found");
});
