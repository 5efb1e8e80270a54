import { fromHex, type Hex } from "@mach/core";
import { describe, expect, it } from "vitest";
import vectors from "../../../../test/vectors/mach/keys.json" with { type: "json" };
import {
  encodePossession,
  type Possession,
  parsePossession,
  provePossession,
} from "../../src/keys/possession.ts";

const possessions = vectors.map(({ secretKey, domain, operator, keyRegistration }) => {
  const { chainId, verifyingContract } = domain;
  return provePossession(fromHex(secretKey), {
    domain: { chainId: BigInt(chainId), verifyingContract: verifyingContract as Hex },
    operator: operator as Hex,
    nonce: BigInt(keyRegistration.nonce),
  });
});

function first(): Possession {
  const [possession] = possessions;
  if (possession === undefined || possession === null) throw new Error("no proof");
  return possession;
}

describe("a proof of possession", () => {
  it.each(vectors.map((vector, index) => ({ vector, index })))(
    "is the golden one, number $index",
    ({ vector, index }) => {
      expect(possessions[index]).toMatchObject({
        publicKey: vector.publicKey,
        publicKeyPoint: vector.publicKeyEip2537,
        proof: vector.keyRegistration.proofEip2537,
      });
    },
  );

  it("comes back from its document", () => {
    expect(parsePossession(JSON.parse(JSON.stringify(encodePossession(first()))))).toEqual(first());
  });

  it("is none where any part of it is another's", () => {
    const document = encodePossession(first());
    const other = "0x7543afcb86af8fbcc939e0f233b4765bc699e9d8";
    for (const change of [
      { operator: other },
      { nonce: "1" },
      { domain: { chainId: "2", verifyingContract: first().domain.verifyingContract } },
      { domain: { chainId: "1", verifyingContract: other } },
      { publicKey: vectors[1]?.publicKey },
      { publicKeyPoint: vectors[1]?.publicKeyEip2537 },
      { proof: vectors[1]?.keyRegistration.proofEip2537 },
      { version: 2 },
    ]) {
      expect(parsePossession({ ...document, ...change })).toBeNull();
    }
    expect(parsePossession(null)).toBeNull();
  });

  it("is none for what is no secret key", () => {
    expect(provePossession(new Uint8Array(32), first())).toBeNull();
  });
});
