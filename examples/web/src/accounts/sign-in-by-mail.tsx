import { useState } from "react";
import { Link } from "react-router";
import { Field } from "../forms/field";
import { Form } from "../forms/form";
import { useSubmit } from "../forms/submit";
import { graphql } from "../generated/gql";
import { useSession } from "../session/session";
import { Page } from "../ui/page";
import { useLinkParams } from "./link-params";
import { type Challenge, SecondFactorForm } from "./second-factor";

const RequestSignInCode = graphql(`
  mutation RequestSignInCode($input: RequestSignInCodeInput!) {
    requestSignInCode(input: $input) {
      success
    }
  }
`);

const SignInWithCode = graphql(`
  mutation SignInWithCode($input: SignInWithCodeInput!) {
    signInWithCode(input: $input) {
      user {
        id
      }
      secondFactor {
        ...Challenge
      }
      pendingSignUp {
        continuationToken
      }
    }
  }
`);

const CompleteSignUp = graphql(`
  mutation CompleteSignUp($input: CompleteSignUpInput!) {
    completeSignUp(input: $input) {
      user {
        id
      }
    }
  }
`);

// Signs in, or up, with a code by mail. An address without an account only needs a username.
export default function SignInByMailPage() {
  const link = useLinkParams();
  const { signedIn } = useSession();
  const [email, setEmail] = useState(link.email);
  const [challenge, setChallenge] = useState<Challenge | null>(null);
  const [continuationToken, setContinuationToken] = useState("");
  const { submit: request, ...requestForm } = useSubmit(RequestSignInCode);
  const { submit, ...form } = useSubmit(SignInWithCode);
  const { submit: complete, ...completeForm } = useSubmit(CompleteSignUp);

  if (challenge) return <SecondFactorForm challenge={challenge} again={() => setChallenge(null)} />;
  if (continuationToken) {
    return (
      <Page title="Choose a username" narrow>
        <p>You are new here. Your profile needs a username.</p>
        <Form
          key="complete"
          {...completeForm}
          action="Create account"
          onSubmit={async (input) => (await complete({ input: { ...input, continuationToken } })) && signedIn()}
        >
          <Field name="username" label="Username" autoComplete="username" autoCapitalize="none" spellCheck={false} autoFocus />
        </Form>
      </Page>
    );
  }
  if (email) {
    return (
      <Page title={link.code ? "Sign in" : "Check your mail"} narrow>
        <p>{link.code ? `Continue as ${email}.` : `We sent a code to ${email}.`}</p>
        <Form
          key="code"
          {...form}
          action="Sign in"
          onSubmit={async (input) => {
            const done = (await submit({ input: { email, ...input, session: "COOKIE" } }))?.signInWithCode;
            if (done?.secondFactor) setChallenge(done.secondFactor);
            else if (done?.pendingSignUp) setContinuationToken(done.pendingSignUp.continuationToken);
            else if (done) signedIn();
          }}
        >
          <Field name="code" label="Code" autoComplete="one-time-code" autoCapitalize="characters" spellCheck={false} defaultValue={link.code} hint="Eight letters and digits." />
        </Form>
        <p className="aside">
          <button type="button" className="link" onClick={() => setEmail("")}>
            Send another code
          </button>
        </p>
      </Page>
    );
  }
  return (
    <Page title="Sign in by mail" narrow>
      <p>We send a code to your address. It works once.</p>
      <Form key="request" {...requestForm} action="Send the code" onSubmit={async (input) => (await request({ input })) && setEmail(input.email)}>
        <Field name="email" label="Email" type="email" autoComplete="email" />
      </Form>
      <p className="aside">
        <Link to="/sign-in">Sign in with your password</Link>
      </p>
    </Page>
  );
}
