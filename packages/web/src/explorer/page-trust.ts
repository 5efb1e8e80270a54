import { readNetwork } from "@mach/sdk";
import { html, nothing, type TemplateResult } from "lit-html";
import { formatTime } from "./certificate-view.ts";
import { networkOf } from "./live-network.ts";
import type { Page, PageContext } from "./page.ts";
import { viewFacts, viewFullHex } from "./parts.ts";
import { describeTrust } from "./reader-trust.ts";
import { parseAddress, parseHash, parseUint64 } from "./route.ts";

/** Where the reader names whom to trust instead of this node. */
export function createTrustPage(context: PageContext): Page {
  let problem = "";
  let isReading = false;

  function say(text: string): void {
    problem = text;
    context.update();
  }

  const takeL1 = async (form: FormData): Promise<void> => {
    const rpcUrl = String(form.get("rpc-url") ?? "").trim();
    const registry = parseAddress(String(form.get("registry") ?? "").trim());
    if (!/^https?:\/\//.test(rpcUrl) || !URL.canParse(rpcUrl)) {
      return say("The L1 node must be given by an http or https URL.");
    }
    if (registry === null) return say("The registry is an address: 0x and 40 hex digits.");
    isReading = true;
    say("");
    const answer = await readNetwork({ rpcUrl, registry });
    isReading = false;
    if (!answer.ok) {
      return say("That L1 node did not answer, or has no registry at that address that is final.");
    }
    context.setTrust({ kind: "l1", rpcUrl, network: answer.network });
  };

  const takeHash = (form: FormData): void => {
    const operatorSetHash = parseHash(String(form.get("set-hash") ?? "").trim());
    const epoch = parseUint64(String(form.get("epoch") ?? "").trim());
    if (operatorSetHash === null) say("A set's hash is 0x and 64 hex digits.");
    else if (epoch === null) say("The epoch is a whole number.");
    else {
      say("");
      context.setTrust({ kind: "hash", epoch, operatorSetHash });
    }
  };

  const onSubmit =
    (take: (form: FormData) => void | Promise<void>) =>
    (event: Event): void => {
      event.preventDefault();
      void take(new FormData(event.target as HTMLFormElement));
    };

  return {
    title: "Your trust",
    view: () => html`<h1>Whom do you trust?</h1>
      <p class="lead">
        A certificate proves that operators signed. It does not prove who the operators are: that is
        fixed on L1, epoch by epoch, by the hash of their set. This node names one; that is its word.
        Name a source of your own here, and this browser holds every certificate against it.
      </p>
      ${viewCurrent(context)}
      <p class="problem" role="alert">${problem}</p>
      ${viewL1Form(onSubmit(takeL1), isReading)}
      ${viewHashForm(onSubmit(takeHash))}
      ${viewNamed(context)}`,
  };
}

function viewCurrent(context: PageContext): TemplateResult {
  const trust = context.trust();
  const forget = (): void => context.setTrust(null);
  return html`<section class="panel ${trust === null ? "" : "info"}">
    <h2>Now</h2>
    <p role="status">${describeTrust(trust)}</p>
    ${
      trust === null
        ? html`<p class="muted">So this page says “consistent with the set that this node names”, and
            never “verified”.</p>`
        : html`<button type="button" class="small" @click=${forget}>Forget it</button>`
    }
  </section>`;
}

function viewL1Form(onSubmit: (event: Event) => void, isReading: boolean): TemplateResult {
  return html`<form class="panel" @submit=${onSubmit}>
    <h2>An L1 node of your own</h2>
    <p class="muted">
      Set hashes, thresholds and epochs are read from its finalised state. It must allow requests from
      web pages (CORS). The URL stays in this browser.
    </p>
    <label for="rpc-url">URL of the L1 node</label>
    <input id="rpc-url" name="rpc-url" type="url" required autocomplete="off" spellcheck="false" />
    <label for="registry">Registry, from the network's documentation and not from this page</label>
    <input id="registry" name="registry" required autocomplete="off" spellcheck="false" />
    <button type="submit" ?disabled=${isReading}>${isReading ? "Reading …" : "Trust this L1 node"}</button>
  </form>`;
}

function viewHashForm(onSubmit: (event: Event) => void): TemplateResult {
  return html`<form class="panel" @submit=${onSubmit}>
    <h2>A set's hash of your own</h2>
    <p class="muted">
      From your own L1 node, or from whoever you trust. Later sets are followed by their updates, each
      signed by the set before. The times of the epochs are then still this node's word.
    </p>
    <label for="epoch">Epoch</label>
    <input id="epoch" name="epoch" inputmode="numeric" required autocomplete="off" />
    <label for="set-hash">operatorSetHash</label>
    <input id="set-hash" name="set-hash" required autocomplete="off" spellcheck="false" />
    <button type="submit">Trust this hash</button>
  </form>`;
}

function viewNamed({ live: { state } }: PageContext): TemplateResult | typeof nothing {
  if (state.network === null) return nothing;
  const { chainId, registry, genesisTime, epochSeconds } = networkOf(state.network);
  return html`<section class="panel">
    <h2>What this node names</h2>
    ${viewFacts([
      ["L1 chain", chainId],
      ["Registry", viewFullHex(registry)],
      ["First epoch began", formatTime(genesisTime)],
      ["An epoch is", `${epochSeconds} s`],
      ["Current epoch", state.network.currentEpoch ?? "none yet"],
    ])}
    <p class="muted">Compare it with the network's documentation.</p>
  </section>`;
}
