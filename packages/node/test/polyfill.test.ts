import "../src/polyfill.ts";
import { expect, it } from "vitest";

it("a promise is settled from outside by what withResolvers returns", async () => {
  const kept = Promise.withResolvers<number>();
  const broken = Promise.withResolvers<number>();
  kept.resolve(7);
  broken.reject(new Error("broken"));
  expect(await kept.promise).toBe(7);
  await expect(broken.promise).rejects.toThrow("broken");
});
