import { afterAll, beforeAll, expect, it } from "vitest";
import { type Arena, type ArenaNode, startArena } from "./arena.ts";

let arena: Arena;
let victim: ArenaNode;
beforeAll(async () => {
  arena = await startArena();
  victim = arena.node("operator-1");
});
afterAll(async () => {
  await arena?.stop();
});

it("an outsider is answered, and is taken for nobody's", async () => {
  const before = (await victim.metrics()).peers("operator");
  const outsider = await arena.outsider();
  expect(await outsider.greet(victim.address)).toMatchObject({ ok: true });
  expect((await victim.metrics()).peers("operator")).toBe(before);
});
