import { useState } from "react";
import { Field } from "../forms/field";
import { Form } from "../forms/form";
import { useSubmit } from "../forms/submit";
import { graphql } from "../generated/gql";
import type { StartTotpMutation } from "../generated/gql/graphql";

const StartTotp = graphql(`
  mutation StartTotp {
    startTotp {
      secret
      uri
      continuationToken
    }
  }
`);

const FinishTotp = graphql(`
  mutation FinishTotp($input: FinishTotpInput!) {
    finishTotp(input: $input) {
      credential {
        id
      }
      recoveryCodes
      user {
        id
        recoveryCodesLeft
      }
    }
  }
`);

// AddApp adds an authenticator app as a second factor, and shows the recovery codes, which the service shows only once.
export function AddApp() {
  const [started, setStarted] = useState<StartTotpMutation["startTotp"]>(null);
  const [recoveryCodes, setRecoveryCodes] = useState<string[]>([]);
  const start = useSubmit(StartTotp);
  const { submit, ...form } = useSubmit(FinishTotp);

  if (recoveryCodes.length > 0) {
    return (
      <div className="inset">
        <h3>Your recovery codes</h3>
        <p>Save them now: they are not shown again. Each replaces the app once, if you lose it.</p>
        <ul className="codes" aria-label="Recovery codes">
          {recoveryCodes.map((code) => (
            <li key={code}>
              <code>{code}</code>
            </li>
          ))}
        </ul>
        <button type="button" className="button" onClick={() => setRecoveryCodes([])}>
          I have saved them
        </button>
      </div>
    );
  }
  if (!started) {
    return (
      <Form
        {...start}
        key="start"
        action="Add an authenticator app"
        secondary
        onSubmit={async () => setStarted((await start.submit({}))?.startTotp ?? null)}
      />
    );
  }
  return (
    <div className="inset">
      <p>
        <a href={started.uri}>Open your authenticator app</a>, or type this key into it:
      </p>
      <p className="secret">
        <code aria-label="Key">{started.secret}</code>
      </p>
      <Form
        {...form}
        key="finish"
        action="Confirm"
        onSubmit={async (input) => {
          const done = await submit({ input: { ...input, continuationToken: started.continuationToken } });
          if (!done) return;
          setStarted(null);
          setRecoveryCodes(done.finishTotp?.recoveryCodes ?? []);
        }}
      >
        <Field name="code" label="Code that the app shows" inputMode="numeric" autoComplete="one-time-code" autoFocus />
      </Form>
    </div>
  );
}
