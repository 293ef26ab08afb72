import { useState } from "react";
import { Field } from "../forms/field";
import { Form } from "../forms/form";
import { useSubmit } from "../forms/submit";
import { type FragmentType, graphql, unmask } from "../generated/gql";
import { useSession } from "../session/session";
import { Page } from "../ui/page";

const ChallengeFragment = graphql(`
  fragment Challenge on SecondFactorChallenge {
    continuationToken
    factors
  }
`);

const FinishSecondFactor = graphql(`
  mutation FinishSecondFactor($input: FinishSecondFactorInput!) {
    finishSecondFactor(input: $input) {
      user {
        id
      }
    }
  }
`);

export type Challenge = FragmentType<typeof ChallengeFragment>;

// SecondFactorForm is the second step of a sign-in. After ten wrong codes, or ten minutes, the user starts again.
export function SecondFactorForm({ challenge, again }: { challenge: Challenge; again: () => void }) {
  const { continuationToken, factors } = unmask(ChallengeFragment, challenge);
  const { signedIn } = useSession();
  const [recovery, setRecovery] = useState(!factors.includes("TOTP"));
  const { submit, ...form } = useSubmit(FinishSecondFactor);
  return (
    <Page title="One more step" narrow>
      <p>Your account is protected by an authenticator app.</p>
      <Form
        {...form}
        action="Continue"
        onSubmit={async (input) => (await submit({ input: { ...input, continuationToken } })) && signedIn()}
      >
        {recovery ? (
          <Field key="recovery" name="recoveryCode" label="Recovery code" autoComplete="off" autoFocus />
        ) : (
          <Field key="code" name="code" label="Code from the app" inputMode="numeric" autoComplete="one-time-code" autoFocus />
        )}
      </Form>
      <p className="aside">
        {factors.length > 1 && (
          <>
            <button type="button" className="link" onClick={() => setRecovery(!recovery)}>
              {recovery ? "Use the app instead" : "Use a recovery code"}
            </button>{" "}
            ·{" "}
          </>
        )}
        <button type="button" className="link" onClick={again}>
          Start again
        </button>
      </p>
    </Page>
  );
}
