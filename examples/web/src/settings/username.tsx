import { useState } from "react";
import { UsernameField } from "../accounts/username-field";
import { Form } from "../forms/form";
import { useSubmit } from "../forms/submit";
import { graphql } from "../generated/gql";
import { useSession } from "../session/session";
import { Section } from "./section";

const ChangeUsername = graphql(`
  mutation ChangeUsername($input: ChangeUsernameInput!) {
    changeUsername(input: $input) {
      profile {
        id
        username
        user {
          id
        }
      }
    }
  }
`);

export function UsernameSettings({ username }: { username: string }) {
  const { viewer } = useSession();
  const [done, setDone] = useState("");
  const { submit, ...form } = useSubmit(ChangeUsername);
  return (
    <Section title="Username">
      <p>
        You are <strong>@{viewer?.profile?.username ?? username}</strong>.
      </p>
      <Form
        {...form}
        action="Change username"
        done={done}
        onSubmit={async (input) => {
          setDone("");
          if (await submit({ input })) setDone("Your username is changed.");
        }}
      >
        <UsernameField label="New username" hint="For some time, only you can go back to the old one." />
      </Form>
    </Section>
  );
}
