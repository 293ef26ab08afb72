import { useEffect, useRef, useState } from "react";
import { useSubmit } from "../forms/submit";
import { graphql } from "../generated/gql";
import { choosePasskey, passkeysSupported, stopAsking } from "../session/passkeys";
import { useSession } from "../session/session";
import type { Challenge } from "./second-factor";

const Start = graphql(`
  mutation StartPasskeySignIn($input: StartPasskeySignInInput) {
    startPasskeySignIn(input: $input) {
      options
      continuationToken
    }
  }
`);

const Finish = graphql(`
  mutation FinishPasskeySignIn($input: FinishPasskeySignInInput!) {
    finishPasskeySignIn(input: $input) {
      user {
        id
      }
      secondFactor {
        ...Challenge
      }
    }
  }
`);

// PasskeySignIn is a button. It also lets the browser offer passkeys where the user types their address.
export function PasskeySignIn({ onChallenge }: { onChallenge: (challenge: Challenge) => void }) {
  const { signedIn } = useSession();
  const start = useSubmit(Start);
  const finish = useSubmit(Finish);
  const [refused, setRefused] = useState("");

  async function signIn(mediation?: CredentialMediationRequirement) {
    setRefused("");
    const started = (await start.submit({ input: { session: "COOKIE" } }))?.startPasskeySignIn;
    if (!started) return;
    let credential: unknown;
    try {
      credential = await choosePasskey(started.options, mediation);
    } catch {
      if (!mediation) setRefused("No passkey was used.");
      return;
    }
    const done = (await finish.submit({ input: { continuationToken: started.continuationToken, credential } }))?.finishPasskeySignIn;
    if (done?.secondFactor) onChallenge(done.secondFactor);
    else if (done) signedIn();
  }

  const offer = useRef(signIn);
  offer.current = signIn;
  useEffect(() => {
    let here = true;
    if (passkeysSupported()) {
      void PublicKeyCredential.isConditionalMediationAvailable?.().then((available) => {
        if (available && here) void offer.current("conditional");
      });
    }
    return () => {
      here = false;
      stopAsking();
    };
  }, []);

  if (!passkeysSupported()) return null;
  const message = start.errors.message || finish.errors.message || refused;
  return (
    <div className="stack">
      <p className="or">or</p>
      <button type="button" className="button secondary wide" onClick={() => signIn()}>
        Sign in with a passkey
      </button>
      {message && (
        <p className="alert" role="alert">
          {message}
        </p>
      )}
    </div>
  );
}
