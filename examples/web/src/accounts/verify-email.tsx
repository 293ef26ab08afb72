import { useState } from "react";
import { Link } from "react-router";
import { useSession } from "../session/session";
import { Page } from "../ui/page";
import { useLinkParams } from "./link-params";
import { useServiceSettings } from "./settings";
import { VerifyForm } from "./verify-form";

export default function VerifyEmailPage() {
  const link = useLinkParams();
  const { viewer } = useSession();
  const settings = useServiceSettings();
  const [verified, setVerified] = useState(false);
  if (verified || (viewer?.emailVerified && !link.code)) {
    return (
      <Page title="Address verified" narrow>
        <p>Thank you. Nobody else can use {viewer?.email} here now.</p>
        <Link className="button" to="/">
          Continue
        </Link>
      </Page>
    );
  }
  return (
    <Page title="Verify your address" narrow>
      {link.email && <p>Confirm that {link.email} is yours.</p>}
      <VerifyForm {...link} askPassword={!viewer && settings?.verifiedEmailRequired} onVerified={() => setVerified(true)} />
    </Page>
  );
}
