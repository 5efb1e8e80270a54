import { expect, test } from "vitest";
import {
  type ChainHead,
  chainAnchor,
  openChained,
  openHead,
  passesThrough,
  sealChained,
  sealHead,
} from "../../src/signer/hash-chain.ts";

const ANCHOR = chainAnchor(Buffer.from("an identity"), Buffer.from("an origin"));

interface Chain {
  readonly rows: Map<string, Uint8Array>;
  /** By index. */
  readonly heads: readonly ChainHead[];
}

function chainOf(count: number): Chain {
  const rows = new Map<string, Uint8Array>();
  const heads = [ANCHOR];
  for (let i = 1; i <= count; i++) {
    const key = Buffer.from(`row ${i}`);
    const sealed = sealChained(heads.at(-1) ?? ANCHOR, { key, payload: Buffer.from(`body ${i}`) });
    rows.set(key.toString("hex"), sealed.bytes);
    heads.push(sealed.head);
  }
  return { rows, heads };
}

function check(chain: Chain, at: { readonly head: number; readonly mark: number }, maxRows = 100) {
  const [head, mark] = [chain.heads[at.head] ?? ANCHOR, chain.heads[at.mark] ?? ANCHOR];
  const get = (key: Uint8Array) => chain.rows.get(Buffer.from(key).toString("hex"));
  return passesThrough(get, { head, anchor: ANCHOR, mark, maxRows });
}

test("a row gives back its payload, its link and the head before it", () => {
  const { rows, heads } = chainOf(3);
  const [key, bytes] = [...rows][2] ?? ["", new Uint8Array()];
  const row = openChained(Buffer.from(key, "hex"), bytes);
  expect(Buffer.from(row.payload).toString()).toBe("body 3");
  expect(Buffer.from(row.link)).toEqual(Buffer.from(heads[3]?.link ?? []));
  expect(row.previous.index).toBe(2n);
  const name = Buffer.from("head");
  expect(openHead(name, sealHead(name, heads[3] ?? ANCHOR))).toMatchObject({ index: 3n });
});

test("a chain passes through every mark that it was at", () => {
  const chain = chainOf(6);
  for (let mark = 0; mark <= 6; mark++) expect(check(chain, { head: 6, mark })).toBe(true);
});

test("a chain that has come less far than its mark does not pass through it", () => {
  expect(check(chainOf(6), { head: 5, mark: 6 })).toBe(false);
});

test("another chain does not pass through the mark", () => {
  const [chain, other] = [chainOf(6), chainOf(6)];
  const key = Buffer.from("row 4");
  const forked = sealChained(chain.heads[3] ?? ANCHOR, { key, payload: Buffer.from("other") });
  const heads = [...other.heads];
  heads[4] = forked.head;
  expect(check({ rows: chain.rows, heads }, { head: 6, mark: 4 })).toBe(false);
});

test("a missing, damaged or exchanged row is noticed", () => {
  for (const name of ["row 1", "row 4", "row 6"]) {
    const chain = chainOf(6);
    const key = Buffer.from(name).toString("hex");
    const bytes = Buffer.from(chain.rows.get(key) ?? []);
    chain.rows.delete(key);
    const corrupt = expect.objectContaining({ code: "row-corrupt" });
    expect(() => check(chain, { head: 6, mark: 6 })).toThrow(corrupt);
    for (let at = 0; at < bytes.length; at += 7) {
      const damaged = Buffer.from(bytes);
      damaged[at] = (damaged[at] ?? 0) ^ 1;
      chain.rows.set(key, damaged);
      expect(() => check(chain, { head: 6, mark: 6 })).toThrow(corrupt);
    }
    const exchanged = sealChained(chain.heads[2] ?? ANCHOR, {
      key: Buffer.from(name),
      payload: Buffer.from("well sealed, and not what the next row commits to"),
    });
    chain.rows.set(key, exchanged.bytes);
    expect(() => check(chain, { head: 6, mark: 6 })).toThrow(corrupt);
  }
});

test("a chain of another record is noticed", () => {
  const chain = chainOf(3);
  const get = (key: Uint8Array) => chain.rows.get(Buffer.from(key).toString("hex"));
  const [head = ANCHOR] = chain.heads.slice(-1);
  const anchor = chainAnchor(Buffer.from("another identity"));
  const corrupt = expect.objectContaining({ code: "row-corrupt" });
  expect(() => passesThrough(get, { head, anchor, mark: head, maxRows: 10 })).toThrow(corrupt);
});

test("no more rows are read than asked for, unless the mark lies further back", () => {
  const chain = chainOf(6);
  chain.rows.delete(Buffer.from("row 2").toString("hex"));
  expect(check(chain, { head: 6, mark: 6 }, 3)).toBe(true);
  expect(() => check(chain, { head: 6, mark: 1 }, 3)).toThrow(
    expect.objectContaining({ code: "row-corrupt" }),
  );
});
