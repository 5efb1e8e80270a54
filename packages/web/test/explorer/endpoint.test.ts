import { expect, it } from "vitest";
import { chooseEndpoint } from "../../src/explorer/endpoint.ts";

const origin = "https://explorer.example";
const choose = (endpoint: string) =>
  chooseEndpoint({ origin, search: `?endpoint=${encodeURIComponent(endpoint)}` });

it("reads the site that serves the page, where its address names no node", () => {
  expect(chooseEndpoint({ origin, search: "" })).toEqual({ endpoint: origin, isForeign: false });
});

it("says that a node which the address names is another site", () => {
  const chosen = { endpoint: "http://127.0.0.1:4500", isForeign: true };
  expect(choose("http://127.0.0.1:4500/")).toEqual(chosen);
  expect(choose(origin)).toEqual({ endpoint: origin, isForeign: false });
});

it.each([
  "javascript:alert(1)",
  "https://user:secret@node.example",
  "https://node.example/path",
  "https://node.example/?a=b",
  "node.example",
  "",
])("takes no node from %j", (text) => {
  expect(choose(text)).toBeNull();
});
