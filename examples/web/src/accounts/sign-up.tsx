import { useState } from "react";
import { Link, useLocation } from "react-router";
import { Field, Select } from "../forms/field";
import { Form } from "../forms/form";
import { useSubmit } from "../forms/submit";
import { graphql } from "../generated/gql";
import { useSession } from "../session/session";
import { Page } from "../ui/page";
import { visibilities } from "../access/visibility";
import { useServiceSettings } from "./settings";
import { UsernameField } from "./username-field";
import { VerifyForm } from "./verify-form";

const SignUp = graphql(`
  mutation SignUp($input: SignUpInput!) {
    signUp(input: $input) {
      user {
        id
      }
    }
  }
`);

export default function SignUpPage() {
  const { signedIn } = useSession();
  const { state } = useLocation();
  const settings = useServiceSettings();
  const [idempotencyKey] = useState(() => crypto.randomUUID()); // if the response is lost, sending the form again gets a session
  const [waiting, setWaiting] = useState<{ email: string; password: string } | null>(null);
  const { submit, ...form } = useSubmit(SignUp);

  if (waiting) {
    return (
      <Page title="Check your mail" narrow>
        <p>We sent a code to {waiting.email}. Your account begins when you enter it.</p>
        <VerifyForm {...waiting} />
      </Page>
    );
  }
  return (
    <Page title="Create your account" narrow>
      <Form
        {...form}
        action="Create account"
        onSubmit={async (input) => {
          const done = await submit({ input: { ...input, session: "COOKIE", idempotencyKey } });
          if (done?.signUp?.user) signedIn();
          else if (done) setWaiting({ email: input.email, password: input.password }); // addresses have to be verified first
        }}
      >
        <UsernameField label="Username" hint="Letters, digits, dots, dashes and underscores. Others find you by it." />
        <Field name="email" label="Email" type="email" autoComplete="email" hint="Only you can see it." />
        <Field
          name="password"
          label="Password"
          type="password"
          autoComplete="new-password"
          hint={settings && `At least ${settings.passwordLength.min} characters.`}
        />
        {settings && (
          <Select name="profile.visibility" label="Who can see your profile" defaultValue={settings.defaultVisibility} hint="You can change this at any time.">
            {visibilities.map(({ value, label }) => (
              <option key={value} value={value}>
                {label}
              </option>
            ))}
          </Select>
        )}
      </Form>
      <p className="aside">
        You have an account?{" "}
        <Link to="/sign-in" state={state}>
          Sign in
        </Link>
      </p>
    </Page>
  );
}
