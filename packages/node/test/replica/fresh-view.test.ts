import { describe, expect, it } from "vitest";
import { NodeError } from "../../src/node-error.ts";
import { guardFreshness } from "../../src/replica/fresh-view.ts";
import { createFreshness } from "../../src/replica/freshness.ts";
import { createMemoryView } from "../http/memory-view.ts";

describe("freshness", () => {
  const clock = { now: 10_000 };
  const create = () => createFreshness({ maxAgeMs: 3_000, clock: () => clock.now });

  it("of nothing is never given", () => {
    const freshness = create();
    expect([freshness.isFresh(), freshness.ageMs()]).toEqual([false, Number.POSITIVE_INFINITY]);
  });

  it("counts from when it was so, and not from when it was read", () => {
    const freshness = create();
    freshness.set({ askedAtMs: 9_500, ageMs: 700, version: "a" });
    expect([freshness.isFresh(), freshness.ageMs()]).toEqual([true, 1_200]);
    clock.now = 11_800;
    expect(freshness.isFresh()).toBe(true);
    clock.now = 11_801;
    expect(freshness.isFresh()).toBe(false);
    freshness.set({ askedAtMs: 11_801, ageMs: 3_001, version: "b" });
    expect(freshness.isFresh()).toBe(false);
  });

  it("is not helped by a database whose clock goes backwards", () => {
    clock.now = 20_000;
    const freshness = create();
    freshness.set({ askedAtMs: 20_000, ageMs: 0, version: "a" });
    for (const askedAtMs of [21_000, 22_000, 23_001]) {
      clock.now = askedAtMs;
      freshness.set({ askedAtMs, ageMs: 5, version: "a" });
    }
    expect(freshness.isFresh()).toBe(false);
    freshness.set({ askedAtMs: 23_001, ageMs: 5, version: "b" });
    expect(freshness.isFresh()).toBe(true);
  });

  it("is not known of what was written later than the database's clock says it is", () => {
    const freshness = create();
    freshness.set({ askedAtMs: clock.now, ageMs: -1, version: "a" });
    expect([freshness.isFresh(), freshness.ageMs()]).toEqual([false, Number.POSITIVE_INFINITY]);
  });
});

describe("a view that is too old", () => {
  const view = createMemoryView();
  const answers = (isFresh: boolean) =>
    guardFreshness(view, { isFresh: () => isFresh, ageMs: () => 4_000 });

  it("tells nothing of what is newest, whatever it is asked", () => {
    const stale = new NodeError("view-stale", "What the node published is 4 s old.");
    const names = Object.keys(view).filter(
      (name) => !["certificateById", "calldata", "subscribe"].includes(name),
    );
    expect(names).toContain("finality");
    for (const name of names) {
      const ask = answers(false)[name as "finality"];
      const told = (): unknown => {
        const answer = ask(902n);
        if ("ok" in answer && !answer.ok && answer.code === "stale") throw stale;
        return answer;
      };
      expect(told, name).toThrow(stale);
    }
  });

  it("tells nothing that took until it was too old to be told", async () => {
    const known = { isFresh: true };
    const slow = guardFreshness(
      {
        ...view,
        async block(...asked) {
          known.isFresh = false;
          return await view.block(...asked);
        },
        async alerts() {
          known.isFresh = false;
          return await view.alerts();
        },
      },
      { isFresh: () => known.isFresh, ageMs: () => 4_000 },
    );
    expect(await slow.block(902n, 1n)).toMatchObject({ ok: false, code: "stale" });
    known.isFresh = true;
    await expect(slow.alerts()).rejects.toMatchObject({ code: "view-stale" });
  });

  it("still tells a certificate by its id, and takes listeners", async () => {
    const id = `0x${"00".repeat(32)}` as const;
    expect(await answers(false).certificateById(id)).toMatchObject({ ok: false });
    expect(answers(false).subscribe(() => undefined)).toBeTypeOf("function");
    expect(await answers(true).health()).toEqual(await view.health());
  });
});
