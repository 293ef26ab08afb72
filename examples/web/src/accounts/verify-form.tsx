import { Link } from "react-router";
import { useState } from "react";
import { Field } from "../forms/field";
import { Form } from "../forms/form";
import { useSubmit } from "../forms/submit";
import { graphql } from "../generated/gql";
import { useSession } from "../session/session";

const VerifyEmail = graphql(`
  mutation VerifyEmail($input: VerifyEmailInput!) {
    verifyEmail(input: $input) {
      user {
        id
        email
        emailVerified
        pendingEmail
      }
      passwordCleared
    }
  }
`);

type Props = {
  email: string;
  code?: string;
  password?: string; // of a sign-up that waits for this
  askPassword?: boolean;
  onVerified?: () => void;
};

// VerifyForm takes the code of a mail. A visitor who enters the right one is signed in.
export function VerifyForm({ email, code, password, askPassword, onVerified }: Props) {
  const { viewer, signedIn } = useSession();
  const [cleared, setCleared] = useState(false);
  const { submit, ...form } = useSubmit(VerifyEmail);

  if (cleared) {
    return (
      <>
        <p className="notice" role="status">
          Your address is verified. The password of the account was removed, because someone else may have chosen it.
        </p>
        <Link className="button" to="/forgot-password" onClick={signedIn}>
          Choose a new password
        </Link>
      </>
    );
  }
  return (
    <Form
      {...form}
      action="Confirm address"
      onSubmit={async (input) => {
        const done = (await submit({ input: { email, password, ...input, session: "COOKIE" } }))?.verifyEmail;
        if (!done) return;
        if (done.passwordCleared) setCleared(true);
        else if (!viewer) signedIn();
        else onVerified?.();
      }}
    >
      {!email && <Field name="email" label="Email" type="email" autoComplete="email" />}
      <Field name="code" label="Code" autoComplete="one-time-code" autoCapitalize="characters" spellCheck={false} defaultValue={code} hint="Eight letters and digits." />
      {askPassword && <Field name="password" label="The password that you chose" type="password" autoComplete="current-password" />}
    </Form>
  );
}
