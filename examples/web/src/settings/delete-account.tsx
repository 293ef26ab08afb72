import { useState } from "react";
import { useNavigate } from "react-router";
import { Field } from "../forms/field";
import { Form } from "../forms/form";
import { useSubmit } from "../forms/submit";
import { graphql } from "../generated/gql";
import { useSession } from "../session/session";
import { Section } from "./section";

const DeleteAccountMutation = graphql(`
  mutation DeleteAccount($input: DeleteAccountInput!) {
    deleteAccount(input: $input) {
      deletedUserId
      deletedProfileId
    }
  }
`);

export function DeleteAccount({ hasPassword }: { hasPassword: boolean }) {
  const { signedOut } = useSession();
  const navigate = useNavigate();
  const [sure, setSure] = useState(false);
  const { submit, ...form } = useSubmit(DeleteAccountMutation);
  return (
    <Section title="Delete your account">
      <p>Your account, your profile and all that belongs to them are deleted at once. This cannot be undone.</p>
      {sure ? (
        <Form
          {...form}
          action="Delete my account"
          danger
          onSubmit={async (input) => {
            if (!(await submit({ input }))) return;
            await navigate("/");
            signedOut();
          }}
        >
          {hasPassword && <Field name="password" label="Password" type="password" autoComplete="current-password" autoFocus />}
        </Form>
      ) : (
        <button type="button" className="button danger secondary" onClick={() => setSure(true)}>
          Delete my account…
        </button>
      )}
    </Section>
  );
}
