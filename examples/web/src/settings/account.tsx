import { useQuery } from "urql";
import { graphql } from "../generated/gql";
import { Failed } from "../ui/failed";
import { Loading } from "../ui/loading";
import { Page } from "../ui/page";
import { DeleteAccount } from "./delete-account";
import { EmailSettings } from "./email";
import { PasswordSettings } from "./password";
import { UsernameSettings } from "./username";

const OwnAccount = graphql(`
  query OwnAccount {
    me {
      id
      hasPassword
      ...OwnEmail
      profile {
        id
        username
      }
    }
  }
`);

export default function AccountSettings() {
  const [{ data, error }] = useQuery({ query: OwnAccount });
  const me = data?.me;
  if (!me) return error ? <Failed error={error} /> : <Loading label="Loading your account" />;
  return (
    <Page title="Your account">
      <EmailSettings user={me} />
      <UsernameSettings username={me.profile?.username ?? ""} />
      <PasswordSettings hasPassword={Boolean(me.hasPassword)} />
      <DeleteAccount hasPassword={Boolean(me.hasPassword)} />
    </Page>
  );
}
