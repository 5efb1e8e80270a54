import { Agent, request } from "node:http";
import { encodeAttestation } from "@mach/api";
import { createNativeBls, type SecretKey } from "@mach/bls";
import { type Claim, claimDigest, type Hex, type Operator } from "@mach/core";
import { OLDER_DOMAIN } from "./older-aggregator.ts";

/** Operators of the older way: each signs a claim and posts that to the aggregator. */
export type OlderOperators = {
  /** Makes keys for this many, whose addresses begin with `first`. */
  start(options: {
    readonly first: number;
    readonly count: number;
  }): readonly Omit<Operator, "index">[];
  /** Resolves when every post is answered, and fails for one that was refused. */
  attest(options: { readonly url: string; readonly claim: Claim }): Promise<void>;
};

/** The role of a child process. */
export function createRole(): OlderOperators {
  const bls = createNativeBls();
  const agent = new Agent({ keepAlive: true, maxSockets: 128 });
  let members: readonly { readonly operator: Hex; readonly secretKey: SecretKey }[] = [];

  function post(url: string, body: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const headers = { "content-type": "application/json" };
      const sent = request(url, { method: "POST", agent, headers }, (response) => {
        response.resume();
        response.on("end", () => {
          if (response.statusCode === 200) resolve();
          else reject(new Error(`the aggregator answers ${response.statusCode}`));
        });
      });
      sent.on("error", reject);
      sent.end(body);
    });
  }

  return {
    start({ first, count }) {
      members = Array.from({ length: count }, (_, index) => ({
        operator: `0x${(first + index + 1).toString(16).padStart(40, "0")}` as Hex,
        secretKey: bls.generateSecretKey(),
      }));
      return members.map(({ operator, secretKey }) => {
        return { operator, publicKey: bls.publicKeyOf(secretKey), weight: 100n };
      });
    },
    async attest({ url, claim }) {
      const digest = claimDigest(OLDER_DOMAIN, claim);
      const posts = members.map(({ operator, secretKey }) => {
        const signature = bls.sign(secretKey, digest).compressed;
        return post(url, JSON.stringify(encodeAttestation({ claim, operator, signature })));
      });
      await Promise.all(posts);
    },
  };
}
