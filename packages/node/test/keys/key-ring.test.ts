import { createNativeBls, type SecretKey } from "@mach/bls";
import { fromHex, type Hex, uintWord } from "@mach/core";
import { expect, it } from "vitest";
import { openKeyRing } from "../../src/keys/key-ring.ts";

const bls = createNativeBls();
const MESSAGE: Hex = `0x${"5a".repeat(32)}`;

function key(number: number): { readonly secretKey: SecretKey; readonly publicKey: Hex } {
  const secretKey = bls.secretKeyFromBytes(fromHex(uintWord(number)));
  if (secretKey === null) throw new Error("no key");
  return { secretKey, publicKey: bls.publicKeyOf(secretKey) };
}

const [present, next, other] = [key(1), key(2), key(3)];

async function ring(readNext: () => Promise<SecretKey | null>) {
  const faults: unknown[] = [];
  const clock = { now: 0 };
  let reads = 0;
  const keys = await openKeyRing(present.secretKey, {
    bls,
    readNext: () => {
      reads++;
      return readNext();
    },
    onFault: (error) => faults.push(error),
    now: () => clock.now,
  });
  return { keys, faults, clock, reads: () => reads };
}

it("signs with the key that is named, and with the present one where none is", async () => {
  const { keys } = await ring(async () => next.secretKey);
  expect([await keys.holds(present.publicKey), await keys.holds(next.publicKey)]).toEqual([
    true,
    true,
  ]);
  expect(await keys.nextPublicKey()).toBe(next.publicKey);
  for (const [asked, by] of [
    [undefined, present],
    [present.publicKey, present],
    [next.publicKey, next],
  ] as const) {
    const { compressed: signature } = await keys.sign(MESSAGE, asked);
    const publicKeys = [by.publicKey];
    expect(bls.verifyAggregate({ publicKeys, message: MESSAGE, signature })).toBe(true);
  }
  expect(() => keys.sign(MESSAGE, other.publicKey)).toThrow("no such key");
});

it("opens the next key once its file is there, and looks for it every five seconds at most", async () => {
  let isThere = false;
  const { keys, clock, reads } = await ring(async () => (isThere ? next.secretKey : null));
  isThere = true;
  expect([await keys.holds(next.publicKey), reads()]).toEqual([false, 1]);
  clock.now = 5_000;
  const both = await Promise.all([keys.holds(next.publicKey), keys.nextPublicKey()]);
  expect([both, reads()]).toEqual([[true, next.publicKey], 2]);
  clock.now = 60_000;
  expect([await keys.holds(other.publicKey), reads()]).toEqual([false, 2]);
});

it("opens the next key though the clock was set back", async () => {
  let isThere = false;
  const { keys, clock } = await ring(async () => (isThere ? next.secretKey : null));
  clock.now = 3_600_000;
  expect(await keys.holds(next.publicKey)).toBe(false);
  isThere = true;
  clock.now = 0;
  expect(await keys.holds(next.publicKey)).toBe(true);
});

it("tells of a next key that cannot be used, at the start by not starting", async () => {
  const broken = (): Promise<null> => Promise.reject(new Error("wrong password"));
  await expect(ring(broken)).rejects.toThrow("wrong password");
  let read: () => Promise<null> = async () => null;
  const { keys, faults, clock } = await ring(() => read());
  read = broken;
  clock.now = 5_000;
  expect(await keys.holds(next.publicKey)).toBe(false);
  expect(faults).toMatchObject([{ message: "wrong password" }]);
  expect(await keys.holds(present.publicKey)).toBe(true);
});
