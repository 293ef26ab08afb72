import { useState } from "react";
import { Link } from "react-router";
import { useViewer } from "../session/session";
import { Page } from "../ui/page";
import { useLinkParams } from "./link-params";
import { VerifyForm } from "./verify-form";

// The page of the link in the mail to a new address. Its user is signed in to the account.
export default function ChangeEmailPage() {
  const link = useLinkParams();
  const { email } = useViewer();
  const [changed, setChanged] = useState(false);
  return (
    <Page title={changed ? "Address changed" : "Confirm your new address"} narrow>
      {changed ? (
        <>
          <p>You sign in with {email} from now on.</p>
          <Link className="button" to="/settings/account">
            Back to your account
          </Link>
        </>
      ) : (
        <>
          <p>{link.email ? `Your account will use ${link.email}.` : "Enter the new address and the code that we sent to it."}</p>
          <VerifyForm {...link} onVerified={() => setChanged(true)} />
        </>
      )}
    </Page>
  );
}
