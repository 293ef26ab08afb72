import { useState } from "react";
import { Link, useLocation } from "react-router";
import { Field } from "../forms/field";
import { Form } from "../forms/form";
import { useSubmit } from "../forms/submit";
import { graphql } from "../generated/gql";
import { useSession } from "../session/session";
import { Page } from "../ui/page";
import { PasskeySignIn } from "./passkey-sign-in";
import { type Challenge, SecondFactorForm } from "./second-factor";
import { useServiceSettings } from "./settings";

const SignIn = graphql(`
  mutation SignIn($input: SignInInput!) {
    signIn(input: $input) {
      user {
        id
      }
      secondFactor {
        ...Challenge
      }
    }
  }
`);

export default function SignInPage() {
  const { notice, signedIn } = useSession();
  const { state } = useLocation();
  const settings = useServiceSettings();
  const [challenge, setChallenge] = useState<Challenge | null>(null);
  const { submit, ...form } = useSubmit(SignIn);

  if (challenge) return <SecondFactorForm challenge={challenge} again={() => setChallenge(null)} />;
  return (
    <Page title="Sign in" narrow>
      {notice && (
        <p className="notice" role="status">
          {notice}
        </p>
      )}
      <Form
        {...form}
        action="Sign in"
        onSubmit={async (input) => {
          const done = await submit({ input: { ...input, session: "COOKIE" } });
          if (done?.signIn?.secondFactor) setChallenge(done.signIn.secondFactor);
          else if (done) signedIn();
        }}
      >
        <Field name="email" label="Email" type="email" autoComplete="username webauthn" />
        <Field name="password" label="Password" type="password" autoComplete="current-password" />
      </Form>
      {settings?.passkeys && <PasskeySignIn onChallenge={setChallenge} />}
      <p className="aside">
        <Link to="/forgot-password">Forgot your password?</Link> · <Link to="/sign-in-by-mail">Sign in with a code by mail</Link>
      </p>
      <p className="aside">
        New here?{" "}
        <Link to="/sign-up" state={state}>
          Create an account
        </Link>
      </p>
    </Page>
  );
}
