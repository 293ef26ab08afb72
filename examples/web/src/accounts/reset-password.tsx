import { useState } from "react";
import { Link } from "react-router";
import { Field } from "../forms/field";
import { Form } from "../forms/form";
import { useSubmit } from "../forms/submit";
import { graphql } from "../generated/gql";
import { useSession } from "../session/session";
import { Page } from "../ui/page";
import { useLinkParams } from "./link-params";

const ResetPassword = graphql(`
  mutation ResetPassword($input: ResetPasswordInput!) {
    resetPassword(input: $input) {
      success
    }
  }
`);

export default function ResetPasswordPage() {
  const link = useLinkParams();
  return (
    <Page title="Choose a new password" narrow>
      {link.email && <p>For the account of {link.email}.</p>}
      <ResetForm {...link} />
    </Page>
  );
}

// ResetForm sets a new password. That ends all sessions, so the user signs in afterwards.
export function ResetForm({ email, code }: { email: string; code?: string }) {
  const { viewer, signedOut } = useSession();
  const [done, setDone] = useState(false);
  const { submit, ...form } = useSubmit(ResetPassword);
  if (done) {
    return (
      <>
        <p className="notice" role="status">
          Your password is changed. All sessions have ended.
        </p>
        <Link className="button" to="/sign-in" onClick={() => viewer && signedOut()}>
          Sign in
        </Link>
      </>
    );
  }
  return (
    <Form {...form} action="Set password" onSubmit={async (input) => setDone(Boolean(await submit({ input: { email, ...input } })))}>
      {email ? (
        <input type="email" value={email} autoComplete="username" readOnly hidden /> // for password managers
      ) : (
        <Field name="email" label="Email" type="email" autoComplete="username" />
      )}
      <Field name="code" label="Code" autoComplete="one-time-code" autoCapitalize="characters" spellCheck={false} defaultValue={code} hint="Eight letters and digits." />
      <Field name="newPassword" label="New password" type="password" autoComplete="new-password" />
    </Form>
  );
}
