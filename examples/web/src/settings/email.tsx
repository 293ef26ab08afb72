import { useState } from "react";
import { VerifyForm } from "../accounts/verify-form";
import { Field } from "../forms/field";
import { Form } from "../forms/form";
import { useSubmit } from "../forms/submit";
import { type FragmentType, graphql, unmask } from "../generated/gql";
import { Section } from "./section";

const OwnEmailFragment = graphql(`
  fragment OwnEmail on User {
    id
    email
    emailVerified
    pendingEmail
  }
`);

const RequestEmailVerification = graphql(`
  mutation RequestEmailVerification($input: RequestEmailVerificationInput!) {
    requestEmailVerification(input: $input) {
      success
    }
  }
`);

const ChangeEmail = graphql(`
  mutation ChangeEmail($input: ChangeEmailInput!) {
    changeEmail(input: $input) {
      user {
        ...OwnEmail
      }
    }
  }
`);

export function EmailSettings({ user }: { user: FragmentType<typeof OwnEmailFragment> }) {
  const { email, emailVerified, pendingEmail } = unmask(OwnEmailFragment, user);
  const { submit, ...form } = useSubmit(ChangeEmail);
  const [changed, setChanged] = useState("");
  return (
    <Section title="Email">
      <p>
        {email} <span className={emailVerified ? "badge good" : "badge"}>{emailVerified ? "Verified" : "Not verified"}</span>
      </p>
      {pendingEmail ? (
        <div className="inset">
          <p>
            Enter the code that we sent to <strong>{pendingEmail}</strong>.
          </p>
          <VerifyForm key={pendingEmail} email={pendingEmail} onVerified={() => setChanged("Your address is changed.")} />
        </div>
      ) : (
        !emailVerified && email && <Verification key={email} email={email} />
      )}
      <Form {...form} action="Change email" done={changed} onSubmit={async (input) => (setChanged(""), submit({ input }))}>
        <Field name="newEmail" label="New address" type="email" autoComplete="email" hint="Nothing changes until you enter the code that we send there." />
      </Form>
    </Section>
  );
}

function Verification({ email }: { email: string }) {
  const [sent, setSent] = useState(false);
  const { submit, ...form } = useSubmit(RequestEmailVerification);
  if (sent) {
    return (
      <div className="inset">
        <p>We sent a code to {email}.</p>
        <VerifyForm email={email} />
      </div>
    );
  }
  return <Form {...form} action="Verify this address" secondary onSubmit={async () => setSent(Boolean(await submit({ input: { email } })))} />;
}
