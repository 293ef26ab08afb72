import { useState } from "react";
import { Link } from "react-router";
import { Field } from "../forms/field";
import { Form } from "../forms/form";
import { useSubmit } from "../forms/submit";
import { graphql } from "../generated/gql";
import { Page } from "../ui/page";
import { ResetForm } from "./reset-password";

const RequestPasswordReset = graphql(`
  mutation RequestPasswordReset($input: RequestPasswordResetInput!) {
    requestPasswordReset(input: $input) {
      success
    }
  }
`);

export default function ForgotPasswordPage() {
  const [email, setEmail] = useState("");
  const { submit, ...form } = useSubmit(RequestPasswordReset);
  if (email) {
    return (
      <Page title="Check your mail" narrow>
        <p>If there is an account with {email}, we sent a code to it.</p>
        <ResetForm email={email} />
      </Page>
    );
  }
  return (
    <Page title="Choose a new password" narrow>
      <p>We send a code to your address.</p>
      <Form {...form} action="Send the code" onSubmit={async (input) => (await submit({ input })) && setEmail(input.email)}>
        <Field name="email" label="Email" type="email" autoComplete="email" />
      </Form>
      <p className="aside">
        <Link to="/sign-in">Back to sign in</Link>
      </p>
    </Page>
  );
}
