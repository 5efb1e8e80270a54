// A bridge in React 19: the badge is an element like any other, with typed attributes and a typed event.
import { defineMachFinality, type FinalityDetail } from "@mach/web";
import type { MachFinalityProps } from "@mach/web/react";
import { StrictMode, useState } from "react";
import { createRoot } from "react-dom/client";

defineMachFinality();

/** What a row asks for is the page's; which transaction it is about, the row's. */
type Asked = Pick<MachFinalityProps, "endpoints" | "rollup" | "network" | "trust">;

function Deposit({ transaction, asked }: { readonly transaction: string; readonly asked: Asked }) {
  const [detail, setDetail] = useState<FinalityDetail | null>(null);
  const isReleased = detail?.state === "fast-final" && detail.isVerified && detail.isSuccess;
  return (
    <li>
      Deposit {transaction.slice(0, 10)}…{" "}
      <mach-finality
        {...asked}
        transaction={transaction}
        min-weight-bps={6_667}
        onmach-finality-change={(event) => setDetail(event.detail)}
      />{" "}
      <output>{isReleased ? "Released" : "Held back"}</output>
    </li>
  );
}

function Bridge() {
  const asked = Object.fromEntries(new URLSearchParams(location.search));
  const [transaction, setTransaction] = useState("");
  return (
    <>
      <h1>Bridge</h1>
      <label>
        Transaction of the deposit{" "}
        <input value={transaction} onChange={(event) => setTransaction(event.target.value)} />
      </label>
      <ul>{transaction !== "" && <Deposit transaction={transaction} asked={asked} />}</ul>
    </>
  );
}

const app = document.querySelector("#app");
if (app === null) throw new Error("the page has no #app");
createRoot(app).render(
  <StrictMode>
    <Bridge />
  </StrictMode>,
);
