import { useState } from "react";
import { useServiceSettings } from "../accounts/settings";
import { Field } from "../forms/field";
import { Form } from "../forms/form";
import { useSubmit } from "../forms/submit";
import { graphql } from "../generated/gql";
import { useViewer } from "../session/session";
import { Section } from "./section";

const ChangePassword = graphql(`
  mutation ChangePassword($input: ChangePasswordInput!) {
    changePassword(input: $input) {
      user {
        id
        hasPassword
      }
    }
  }
`);

const SetPassword = graphql(`
  mutation SetPassword($input: SetPasswordInput!) {
    setPassword(input: $input) {
      user {
        id
        hasPassword
      }
    }
  }
`);

export function PasswordSettings({ hasPassword }: { hasPassword: boolean }) {
  const { email } = useViewer();
  const settings = useServiceSettings();
  const change = useSubmit(ChangePassword);
  const set = useSubmit(SetPassword);
  const { submit: _, ...form } = hasPassword ? change : set;
  const [done, setDone] = useState("");
  return (
    <Section title="Password">
      <Form
        key={done} // empties the fields
        {...form}
        action={hasPassword ? "Change password" : "Set password"}
        done={done}
        onSubmit={async (input) => {
          setDone("");
          if (await (hasPassword ? change.submit({ input }) : set.submit({ input }))) setDone("Your password is changed. Your other sessions have ended.");
        }}
      >
        <input type="email" value={email ?? ""} autoComplete="username" readOnly hidden /> {/* for password managers */}
        {hasPassword && <Field name="currentPassword" label="Current password" type="password" autoComplete="current-password" />}
        <Field
          name="newPassword"
          label="New password"
          type="password"
          autoComplete="new-password"
          hint={settings && `At least ${settings.passwordLength.min} characters. Your other sessions end.`}
        />
      </Form>
    </Section>
  );
}
