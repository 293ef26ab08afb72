import type { TypedDocumentNode } from "@graphql-typed-document-node/core";
import { useCallback, useRef, useState } from "react";
import { type AnyVariables, useClient } from "urql";
import { type FormErrors, formErrors, noErrors } from "../client/errors";
import { useConfirmed } from "../session/reauthenticate";

// useSubmit sends a mutation for a form, asks the user who they are if the service wants to know, and keeps the errors for the fields.
// submit returns what the mutation returned, or null if it failed.
export function useSubmit<Data, Variables extends AnyVariables>(document: TypedDocumentNode<Data, Variables>) {
  const client = useClient();
  const confirmed = useConfirmed();
  const [pending, setPending] = useState(false);
  const [errors, setErrors] = useState<FormErrors>(noErrors);
  const element = useRef<HTMLFormElement>(null);

  const submit = useCallback(
    async (variables: Variables): Promise<Data | null> => {
      setPending(true);
      setErrors(noErrors);
      const result = await confirmed(() => client.mutation(document, variables).toPromise());
      setPending(false);
      if (!result.error && result.data) return result.data;
      if (result.error) {
        const known = (name: string) => Boolean(element.current?.elements.namedItem(name));
        setErrors(formErrors(result.error, known));
      }
      return null;
    },
    [client, confirmed, document],
  );
  return { submit, pending, errors, element };
}
