import { expect, it } from "vitest";
import { loadTrust, type ReaderTrust, saveTrust } from "../../src/explorer/reader-trust.ts";

function storageOf(text: string | null) {
  let kept = text;
  return {
    getItem: () => kept,
    setItem: (_: string, value: string) => {
      kept = value;
    },
    removeItem: () => {
      kept = null;
    },
  };
}

const CHOICES: readonly ReaderTrust[] = [
  { kind: "hash", epoch: 7n, operatorSetHash: `0x${"ab".repeat(32)}` },
  {
    kind: "l1",
    rpcUrl: "http://127.0.0.1:8545",
    network: {
      registry: `0x${"51".repeat(20)}`,
      ...{ chainId: 1n, genesisTime: 1_700_000_000n, epochSeconds: 86_400n },
    },
  },
];

it.each(CHOICES)("a choice of $kind outlives the page", (trust) => {
  const storage = storageOf(null);
  expect(saveTrust(() => storage, trust)).toBe(true);
  expect(loadTrust(() => storage)).toEqual(trust);
  saveTrust(() => storage, null);
  expect(loadTrust(() => storage)).toBeNull();
});

it.each([
  null,
  "{",
  "42",
  '{"kind":"hash","epoch":"x","operatorSetHash":"0x"}',
  `{"kind":"hash","epoch":"7","operatorSetHash":"0x${"zz".repeat(32)}"}`,
  '{"kind":"l1","rpcUrl":"file:///etc","network":{}}',
  '{"kind":"l1","rpcUrl":"http://a","network":{"registry":"0x12"}}',
])("what is no choice is none: %j", (text) => {
  expect(loadTrust(() => storageOf(text))).toBeNull();
});

it("a browser that keeps nothing says so", () => {
  const refuse = (): never => {
    throw new Error("refused");
  };
  const storage = { getItem: refuse, setItem: refuse, removeItem: refuse };
  expect(loadTrust(() => storage)).toBeNull();
  expect(saveTrust(() => storage, CHOICES[0] ?? null)).toBe(false);
});

it("trusts nobody where the browser refuses its storage as such", () => {
  const refused = (): never => {
    throw new Error("refused");
  };
  expect(loadTrust(refused)).toBeNull();
  expect(saveTrust(refused, CHOICES[0] ?? null)).toBe(false);
});
