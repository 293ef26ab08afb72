// What the errors of freehold mean for a page: docs/clients.md lists the codes.
import type { CombinedError } from "urql";
import { connection } from "./connection";

export type FormErrors = {
  fields: Record<string, string>; // by the path in the input, such as profile.displayName
  message: string; // for the whole form, or ""
};

export const noErrors: FormErrors = { fields: {}, message: "" };

type Extensions = {
  code?: string;
  fields?: { path: string; code: string; message: string }[];
  acceptable?: string[];
  retryAfter?: number;
  requestId?: string;
};

function extensions(error: CombinedError): Extensions[] {
  return error.graphQLErrors.map((e) => e.extensions as Extensions);
}

export function hasCode(error: CombinedError | undefined, code: string): boolean {
  return error !== undefined && extensions(error).some((e) => e.code === code);
}

// isUnreachable reports whether it is worth sending the same again: the service did not answer, or says that it cannot at the moment.
export function isUnreachable(error: CombinedError | undefined): boolean {
  return error?.networkError !== undefined || hasCode(error, "UNAVAILABLE");
}

// acceptableProofs returns the proofs that the service accepts before it does what it refused, or null if that was not the reason.
export function acceptableProofs(error: CombinedError | undefined): string[] | null {
  const asks = error && extensions(error).find((e) => e.code === "REAUTH_REQUIRED");
  return asks ? (asks.acceptable ?? []) : null;
}

// formErrors sorts an error into those of the form's fields and the rest, which is about the whole form.
export function formErrors(error: CombinedError, known: (name: string) => boolean): FormErrors {
  if (isUnreachable(error)) {
    const why = connection() === "offline" ? "You are offline." : "The service cannot be reached.";
    return { fields: {}, message: `${why} What you entered is still here: send it again in a moment.` };
  }
  const fields: Record<string, string> = {};
  const rest: string[] = [];
  error.graphQLErrors.forEach((e, i) => {
    const { fields: flaws, retryAfter, requestId } = extensions(error)[i] ?? {};
    for (const flaw of flaws ?? []) {
      const name = flaw.path.replace(/^input\./, "");
      if (known(name)) fields[name] ??= flaw.message;
      else rest.push(flaw.message);
    }
    if (flaws?.length) return;
    const wait = retryAfter ? ` Try again in ${minutes(retryAfter)}.` : "";
    const report = requestId ? ` (request ${requestId})` : "";
    rest.push(e.message + wait + report);
  });
  return { fields, message: rest.join(" ") };
}

function minutes(seconds: number): string {
  if (seconds < 90) return `${seconds} seconds`;
  return `${Math.ceil(seconds / 60)} minutes`;
}
