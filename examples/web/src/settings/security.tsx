import { Page } from "../ui/page";
import { CredentialSettings } from "./credentials";
import { SecurityEvents } from "./events";
import { Sessions } from "./sessions";

export default function SecuritySettings() {
  return (
    <Page title="Security">
      <Sessions />
      <CredentialSettings />
      <SecurityEvents />
    </Page>
  );
}
