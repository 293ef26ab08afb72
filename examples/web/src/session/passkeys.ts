// The browser's part of passkeys. Options and answers have the JSON forms of the standard.
let asking: AbortController | undefined; // a browser waits for one answer at a time

export const passkeysSupported = (): boolean => typeof PublicKeyCredential !== "undefined" && "parseRequestOptionsFromJSON" in PublicKeyCredential;

export async function createPasskey(options: unknown): Promise<unknown> {
  asking?.abort();
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options as PublicKeyCredentialCreationOptionsJSON);
  return toJSON(await navigator.credentials.create({ publicKey }));
}

export async function choosePasskey(options: unknown, mediation?: CredentialMediationRequirement): Promise<unknown> {
  asking?.abort();
  const request = new AbortController();
  asking = request;
  const timer = setTimeout(() => request.abort("again"), 5 * 60_000); // before the flow expires
  try {
    const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options as PublicKeyCredentialRequestOptionsJSON);
    return toJSON(await navigator.credentials.get({ publicKey, mediation, signal: request.signal }));
  } finally {
    clearTimeout(timer);
  }
}

export const stopAsking = (): void => asking?.abort();

function toJSON(credential: Credential | null): unknown {
  return (credential as PublicKeyCredential).toJSON();
}
