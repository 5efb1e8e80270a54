import fc from "fast-check";
import { expect, test } from "vitest";
import { isAsking, unmetDemand } from "../src/policy.ts";
import { policy as fields, MAX_WAIT_SECONDS, minBlockNumber, wait } from "../src/route-fields.ts";

const facts = { signedWeight: 75n, totalWeight: 100n, verification: 1 } as const;

test("each demand that is not met has its code, and what is met is none", () => {
  expect(unmetDemand({}, facts)).toBeNull();
  expect(unmetDemand({ minWeightBps: 7500, minVerification: 1 }, facts)).toBeNull();
  expect(unmetDemand({ minSignedWeight: 75n }, facts)).toBeNull();
  expect(unmetDemand({ minWeightBps: 7501 }, facts)).toBe("below-min-weight");
  expect(unmetDemand({ minVerification: 2 }, facts)).toBe("below-min-verification");
  expect(unmetDemand({ minSignedWeight: 76n }, facts)).toBe("below-min-signed-weight");
});

test("what is unknown meets no demand", () => {
  const unknown = { signedWeight: null, totalWeight: null, verification: null };
  expect(unmetDemand({ minWeightBps: 6667 }, unknown)).toBe("below-min-weight");
  expect(unmetDemand({ minVerification: 1 }, unknown)).toBe("below-min-verification");
  expect(unmetDemand({ minSignedWeight: 1n }, unknown)).toBe("below-min-signed-weight");
  const empty = { signedWeight: 0n, totalWeight: 0n, verification: 1 } as const;
  expect(unmetDemand({ minWeightBps: 6667 }, empty)).toBe("below-min-weight");
});

test("a share is compared in integers: it never rounds up", () => {
  const weight = fc.bigInt({ min: 1n, max: 2n ** 128n - 1n });
  fc.assert(
    fc.property(weight, weight, fc.integer({ min: 6667, max: 10_000 }), (a, b, minWeightBps) => {
      const [signedWeight, totalWeight] = a < b ? [a, b] : [b, a];
      const unmet = unmetDemand({ minWeightBps }, { signedWeight, totalWeight, verification: 1 });
      expect(unmet === null).toBe(signedWeight * 10_000n >= totalWeight * BigInt(minWeightBps));
    }),
  );
});

test("a policy asks for something as soon as one of its fields is there", () => {
  expect(isAsking({})).toBe(false);
  expect(isAsking({ minWeightBps: undefined })).toBe(false);
  expect(isAsking({ minVerification: 1 })).toBe(true);
  expect(isAsking({ minSignedWeight: 0n })).toBe(true);
});

test("the numbers that are taken are those within their bounds, in one form", () => {
  for (let number = 0; number <= 10_100; number += 1) {
    const isTaken = fields.minWeightBps.safeParse(String(number)).success;
    expect(isTaken, String(number)).toBe(number >= 6667 && number <= 10_000);
    const isWait = wait.safeParse(String(number)).success;
    expect(isWait, String(number)).toBe(number <= MAX_WAIT_SECONDS);
  }
  for (const text of ["", "06667", "6667 ", "+7000", "7e3", "0x1b58", "7000.0"]) {
    expect(fields.minWeightBps.safeParse(text).success, text).toBe(false);
  }
  expect(fields.minVerification.safeParse("2")).toMatchObject({ success: true, data: 2 });
  expect(fields.minVerification.safeParse("3").success).toBe(false);
  expect(fields.minSignedWeight.safeParse(String(2n ** 128n)).success).toBe(false);
  expect(minBlockNumber.safeParse("42")).toMatchObject({ success: true, data: 42n });
});
