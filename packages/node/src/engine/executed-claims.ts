import type { ExecutionGate } from "./execution-gate.ts";
import type { ClaimSigner } from "./ports.ts";

/**
 * A signer that signs a claim of level 2 only when its block, and those below it that nothing has
 * settled, were executed to their hashes. Whatever keeps one from being executed is a refusal: a
 * claim says how the block was checked, and that is never said of a check that did not happen.
 */
export function requireExecution(
  signer: ClaimSigner,
  gate: Pick<ExecutionGate, "check">,
): ClaimSigner {
  return {
    holds: (publicKey) => signer.holds(publicKey),
    lastSigned: (rollupId) => signer.lastSigned(rollupId),
    signSetUpdate: (request) => signer.signSetUpdate(request),
    async sign(request) {
      const { claim, isStillWanted } = request;
      if (claim.verification === 1) return await signer.sign(request);
      const code = await gate.check(claim, isStillWanted);
      return code === null ? await signer.sign(request) : { ok: false, code };
    },
  };
}
