import { useState } from "react";
import { useSubmit } from "../forms/submit";
import { graphql } from "../generated/gql";
import { choosePasskey } from "./passkeys";

const Start = graphql(`
  mutation StartPasskeyReauthentication {
    startPasskeyReauthentication {
      options
      continuationToken
    }
  }
`);

const Finish = graphql(`
  mutation FinishPasskeyReauthentication($input: FinishPasskeyReauthenticationInput!) {
    finishPasskeyReauthentication(input: $input) {
      user {
        id
        reauthenticatedUntil
      }
    }
  }
`);

export function ConfirmWithPasskey({ done }: { done: () => void }) {
  const start = useSubmit(Start);
  const finish = useSubmit(Finish);
  const [refused, setRefused] = useState("");

  async function confirm() {
    const started = (await start.submit({}))?.startPasskeyReauthentication;
    if (!started) return;
    try {
      const credential = await choosePasskey(started.options);
      if (await finish.submit({ input: { continuationToken: started.continuationToken, credential } })) done();
    } catch {
      setRefused("The passkey was not used.");
    }
  }
  const message = start.errors.message || finish.errors.message || refused;
  return (
    <div className="stack">
      <button type="button" className="button secondary" onClick={confirm}>
        Use a passkey
      </button>
      {message && (
        <p className="alert" role="alert">
          {message}
        </p>
      )}
    </div>
  );
}
