import { Link } from "react-router";
import { Page } from "./page";

export default function NotFound({ what = "page" }: { what?: string }) {
  return (
    <Page title={`This ${what} was not found`} narrow>
      <p className="faint">{what === "page" ? "The address may be wrong." : "It does not exist, or you cannot see it."}</p>
      <Link className="button" to="/">
        See all people
      </Link>
    </Page>
  );
}
