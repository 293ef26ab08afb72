import { useState } from "react";
import { useQuery } from "urql";
import { useServiceSettings } from "../accounts/settings";
import { useSubmit } from "../forms/submit";
import { graphql } from "../generated/gql";
import type { CredentialKind, OwnCredentialsQuery } from "../generated/gql/graphql";
import { passkeysSupported } from "../session/passkeys";
import { time } from "../ui/dates";
import { AddApp } from "./add-app";
import { AddPasskey } from "./add-passkey";
import { Section } from "./section";

const OwnCredentials = graphql(`
  query OwnCredentials {
    me {
      id
      recoveryCodesLeft
      credentials {
        id
        kind
        name
        lastUsedAt
        viewerCan {
          actions
        }
      }
    }
  }
`);

const RemoveCredential = graphql(`
  mutation RemoveCredential($input: RemoveCredentialInput!) {
    removeCredential(input: $input) {
      removedCredentialId
      user {
        id
      }
    }
  }
`);

const kinds: Record<CredentialKind, string> = {
  PASSWORD: "Password",
  EMAIL_CODE: "Codes by mail",
  OAUTH: "Identity provider",
  PASSKEY: "Passkey",
  TOTP: "Authenticator app",
};

type Credential = NonNullable<NonNullable<OwnCredentialsQuery["me"]>["credentials"]>[number];

export function CredentialSettings() {
  const settings = useServiceSettings();
  const [{ data }] = useQuery({ query: OwnCredentials });
  const [done, setDone] = useState("");
  const credentials = data?.me?.credentials ?? [];
  const protectedByApp = credentials.some((c) => c.kind === "TOTP");
  return (
    <Section title="Ways to sign in">
      <ul className="rows" aria-label="Ways to sign in">
        {credentials.map((credential) => (
          <Row key={credential.id} credential={credential} onRemoved={() => setDone(`${credential.name} is removed.`)} />
        ))}
      </ul>
      {protectedByApp && <p className="faint">You have {data?.me?.recoveryCodesLeft} recovery codes left.</p>}
      <p role="status" className="done">
        {done}
      </p>
      {settings?.passkeys && passkeysSupported() && <AddPasskey onAdded={() => setDone("Your passkey is added.")} />}
      {settings?.totpAvailable && <AddApp />}
    </Section>
  );
}

function Row({ credential, onRemoved }: { credential: Credential; onRemoved: () => void }) {
  const { submit, pending, errors } = useSubmit(RemoveCredential);
  return (
    <li>
      <div>
        <p>
          {credential.name} {credential.name !== kinds[credential.kind] && <span className="badge">{kinds[credential.kind]}</span>}
        </p>
        <p className="faint">{credential.lastUsedAt ? `Last used ${time(credential.lastUsedAt)}` : "Not used yet"}</p>
        {errors.message && (
          <p className="alert" role="alert">
            {errors.message}
          </p>
        )}
      </div>
      {credential.viewerCan?.actions.includes("REMOVE") && (
        <button
          type="button"
          className="button secondary small"
          aria-label={`Remove ${credential.name}`}
          aria-disabled={pending}
          onClick={async () => (await submit({ input: { id: credential.id } })) && onRemoved()}
        >
          Remove
        </button>
      )}
    </li>
  );
}
