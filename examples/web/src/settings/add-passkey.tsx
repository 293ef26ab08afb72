import { useState } from "react";
import { useSubmit } from "../forms/submit";
import { graphql } from "../generated/gql";
import { createPasskey } from "../session/passkeys";

const StartPasskeyRegistration = graphql(`
  mutation StartPasskeyRegistration {
    startPasskeyRegistration {
      options
      continuationToken
    }
  }
`);

const FinishPasskeyRegistration = graphql(`
  mutation FinishPasskeyRegistration($input: FinishPasskeyRegistrationInput!) {
    finishPasskeyRegistration(input: $input) {
      credential {
        id
        name
      }
    }
  }
`);

export function AddPasskey({ onAdded }: { onAdded: () => void }) {
  const start = useSubmit(StartPasskeyRegistration);
  const finish = useSubmit(FinishPasskeyRegistration);
  const [refused, setRefused] = useState("");

  async function add() {
    setRefused("");
    const started = (await start.submit({}))?.startPasskeyRegistration;
    if (!started) return;
    let credential: unknown;
    try {
      credential = await createPasskey(started.options);
    } catch {
      return setRefused("No passkey was created.");
    }
    if (await finish.submit({ input: { continuationToken: started.continuationToken, credential } })) onAdded();
  }
  const message = start.errors.message || finish.errors.message || refused;
  return (
    <div className="stack">
      <button type="button" className="button secondary" aria-disabled={start.pending || finish.pending} onClick={add}>
        Add a passkey
      </button>
      {message && (
        <p className="alert" role="alert">
          {message}
        </p>
      )}
    </div>
  );
}
