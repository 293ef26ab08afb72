import { useState } from "react";
import { Field } from "../forms/field";
import { Form } from "../forms/form";
import { useSubmit } from "../forms/submit";
import { graphql } from "../generated/gql";
import { useViewer } from "./session";

const Request = graphql(`
  mutation RequestConfirmationCode($input: RequestSignInCodeInput!) {
    requestSignInCode(input: $input) {
      success
    }
  }
`);

const Prove = graphql(`
  mutation ReauthenticateWithCode($input: ReauthenticateWithCodeInput!) {
    reauthenticateWithCode(input: $input) {
      user {
        id
        reauthenticatedUntil
      }
    }
  }
`);

export function ConfirmByMail({ done }: { done: () => void }) {
  const { email } = useViewer();
  const [sent, setSent] = useState(false);
  const request = useSubmit(Request);
  const { submit, ...form } = useSubmit(Prove);
  if (!sent) {
    return (
      <Form {...request} onSubmit={async () => setSent(Boolean(await request.submit({ input: { email: email ?? "" } })))} action="Mail me a code" />
    );
  }
  return (
    <Form {...form} onSubmit={async (input) => (await submit({ input })) && done()} action="Confirm">
      <Field name="code" label="Code from the mail" autoComplete="one-time-code" autoFocus hint={`We sent it to ${email}.`} />
    </Form>
  );
}
