// A wallet without a framework: each transfer has a badge, and what comes in by a transfer may be
// spent once its badge has checked it. Everything is given by the address:
// wallet.html?rpc=…&rollup=901&endpoints=…&network=…&trust=…
const { rpc = "", ...question } = Object.fromEntries(new URLSearchParams(location.search));
const transfers = document.querySelector("#transfers");
const problem = document.querySelector("#problem");

/** A wallet of its own would sign here; the local network's accounts are its chain's. */
async function call(method, params) {
  const response = await fetch(rpc, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
  });
  const { result, error } = await response.json();
  if (error !== undefined) throw new Error(error.message);
  return result;
}

/** Green is not enough to spend by: a page asks for what it has to be sure of. */
function isSpendable({ state, isVerified, isSuccess }) {
  return state === "fast-final" && isVerified && isSuccess === true;
}

function addTransfer(hash) {
  const row = document.createElement("li");
  const badge = document.createElement("mach-finality");
  for (const [name, value] of Object.entries(question)) badge.setAttribute(name, value);
  badge.setAttribute("transaction", hash);
  const spend = document.createElement("button");
  spend.type = "button";
  spend.disabled = true;
  spend.textContent = "Spend";
  badge.addEventListener("mach-finality-change", ({ detail }) => {
    spend.disabled = !isSpendable(detail);
  });
  row.append(`1 wei, ${hash.slice(0, 10)}…`, badge, spend);
  transfers.prepend(row);
}

document.querySelector("#send").addEventListener("click", async () => {
  problem.textContent = "";
  try {
    const [from] = await call("eth_accounts", []);
    const transfer = { from, to: `0x${"33".repeat(20)}`, value: "0x1" };
    addTransfer(await call("eth_sendTransaction", [transfer]));
  } catch (error) {
    problem.textContent = `Nothing was sent: ${error.message}`;
  }
});
